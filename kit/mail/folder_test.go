package mail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func inFolder(t *testing.T) *Sender {
	t.Helper()
	t.Chdir(t.TempDir())
	return New(Options{Settings: Settings{From: "Test <no-reply@localhost>"}, Texts: texts, Keep: true})
}

func TestAKeptMailCanBeReadInAnEditor(t *testing.T) {
	if err := inFolder(t).Send(t.Context(), message("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(string(Kept) + "/*.json")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), `\n`+link+`\n`) {
		t.Errorf("%v\n%s", err, text)
	}
	for path, want := range map[string]os.FileMode{files[0]: 0o600, string(Kept): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestOnlyTheNewestMailsAreKept(t *testing.T) {
	to := inFolder(t)
	for range maxKept + 3 {
		if err := to.Send(t.Context(), message("bob@example.com")); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Send(t.Context(), message("last@example.com")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(string(Kept))
	mails, listErr := Kept.List()
	if err != nil || listErr != nil || len(files) != maxKept || len(mails) != maxKept || mails[0].To != "last@example.com" {
		t.Errorf("%d files, %d mails, %v, %v", len(files), len(mails), err, listErr)
	}
}

func TestOnlyAnIDFindsAMail(t *testing.T) {
	inFolder(t)
	for _, id := range []string{"", "..", "../../etc/passwd", "019a0000-0000-7000-8000-000000000000", "{019a0000-0000-7000-8000-000000000000}"} {
		if _, err := Kept.Find(id); !os.IsNotExist(err) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestNothingIsSentWithoutAServer(t *testing.T) {
	if sender := New(Options{Texts: texts}); sender != nil {
		t.Error(sender)
	}
}
