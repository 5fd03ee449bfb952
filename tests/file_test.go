package tests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
)

// A write after the database file is deleted would be lost.
func TestNoWriteSucceedsAfterTheFileIsDeleted(t *testing.T) {
	app := apptest.New(t)
	path, ok := strings.CutPrefix(app.Settings.Database.URL, "sqlite://")
	if !ok {
		t.Skip("this is of SQLite only")
	}
	app.Register("ada@example.com")
	_, refresh := app.Session("ada@example.com")
	away := filepath.Join(t.TempDir(), "app.db")
	for _, step := range []struct {
		claim  string
		change func() error
		gone   bool
	}{
		{"it was moved", func() error { return os.Rename(path, away) }, true},
		{"it was replaced", func() error { return os.WriteFile(path, nil, 0o600) }, true},
		{"it is back", func() error { return os.Rename(away, path) }, false},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		if !step.gone {
			app.Get("/readyz").Want(t, 200, "")
			app.Refresh(refresh).Want(t, 200, "")
			continue
		}
		if detail := app.Get("/readyz").Want(t, 503, "unavailable").Field("detail"); detail != "The file of the database was deleted or replaced" {
			t.Errorf("%s: %s", step.claim, detail)
		}
		app.Refresh(refresh).Want(t, 503, "unavailable")
		app.Post("/register", `{"email":"bob@example.com","password":"`+apptest.Password+`"}`).Want(t, 503, "unavailable")
		if info, err := os.Stat(path); step.claim == "it was moved" && !errors.Is(err, os.ErrNotExist) || err == nil && info.Size() > 0 {
			t.Errorf("%s: %v, %v", step.claim, info, err)
		}
	}
	if log := app.Log.String(); !strings.Contains(log, path+" was deleted or replaced while it was open") {
		t.Error(log)
	}
}
