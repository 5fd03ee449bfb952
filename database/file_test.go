package database_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"example.com/latchkey/database"
)

func TestOnlyItsOwnerReadsANewFile(t *testing.T) {
	for claim, c := range map[string]struct{ there, want os.FileMode }{
		"a new file":           {0, 0o600},
		"a file that is there": {0o640, 0o640}, // as whoever made it wants
	} {
		t.Run(claim, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			if c.there != 0 {
				if err := errors.Join(os.WriteFile(path, nil, c.there), os.Chmod(path, c.there)); err != nil {
					t.Fatal(err)
				}
			}
			open(t, inFile(path))
			for _, end := range []string{"", "-wal", "-shm"} {
				if info, err := os.Stat(path + end); err != nil || info.Mode().Perm() != c.want {
					t.Errorf("%s: %v, want %v; %v", filepath.Base(path+end), info.Mode().Perm(), c.want, err)
				}
			}
		})
	}
}

func TestWhoOnlyLooksMakesNoFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "made", "app.db")
	if _, err := database.OpenExisting(inFile(path), slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if made, err := os.ReadDir(folder); err != nil || len(made) != 0 {
		t.Error(made, err)
	}
}
