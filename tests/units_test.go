package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	kit "example.com/latchkey/kit/apptest"
)

func TestSystemdAcceptsTheUnits(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	if _, err := exec.LookPath("systemd-analyze"); err != nil && os.Getenv("CI") == "" {
		t.Skip("systemd is not installed")
	}
	units, err := filepath.Glob("../deploy/latchkey*")
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	arguments := []string{"verify"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		copied := filepath.Join(t.TempDir(), filepath.Base(unit))
		// A program that exists.
		installed := strings.ReplaceAll(string(text), "/usr/local/bin/latchkey", os.Args[0])
		if err := errors.Join(err, os.WriteFile(copied, []byte(installed), 0o600)); err != nil { //nolint:gosec // in a folder of the test
			t.Fatal(err)
		}
		arguments = append(arguments, copied)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", arguments...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
