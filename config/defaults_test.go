package config_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/parts"
)

// A project may have other values, so make rename deletes this file.
func TestConfigYAMLHasTheDefaults(t *testing.T) {
	file, err := filepath.Abs("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	sections := app.Sections(parts.All())
	read, err := config.Load(file, nil, sections...)
	if err != nil {
		t.Fatal(err)
	}
	// %v prints an empty list like nil, and every secret as stars.
	got, want := fmt.Sprint(all(t, read, sections).AllSettings()), fmt.Sprint(all(t, config.Defaults(sections...), sections).AllSettings())
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
