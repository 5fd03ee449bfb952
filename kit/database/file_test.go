package database_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"example.com/latchkey/kit/database"
)

func TestOnlyTheOwnerCanReadANewFile(t *testing.T) {
	for claim, c := range map[string]struct{ existing, want os.FileMode }{
		"a new file":       {0, 0o600},
		"an existing file": {0o640, 0o640}, // keeps its permissions
	} {
		t.Run(claim, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			if c.existing != 0 {
				if err := errors.Join(os.WriteFile(path, nil, c.existing), os.Chmod(path, c.existing)); err != nil {
					t.Fatal(err)
				}
			}
			open(t, inFile(path))
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != c.want {
					t.Errorf("%s: %v, want %v; %v", filepath.Base(path+suffix), info.Mode().Perm(), c.want, err)
				}
			}
		})
	}
}

func TestOpenExistingMakesNoFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "made", "app.db")
	if _, err := database.OpenExisting(inFile(path), schema, slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Error(files, err)
	}
}
