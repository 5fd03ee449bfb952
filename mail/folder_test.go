package mail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
)

func inFolder(t *testing.T) *Sender {
	t.Helper()
	t.Chdir(t.TempDir())
	return New(config.Defaults())
}

func TestEveryTemplateMakesAMail(t *testing.T) {
	to, begin := inFolder(t), time.Now().Truncate(time.Second) // a mail has no fractions
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, text := strings.CutSuffix(file.Name(), ".txt")
		if !text {
			continue
		}
		t.Run(name, func(t *testing.T) {
			const address = "o'neil&co@example.com"
			if err := to.Send(t.Context(), Message{address, name, sample{Email: address, Link: link, TTL: 24 * time.Hour}}); err != nil {
				t.Fatal(err)
			}
			mails, err := Kept.List()
			if err != nil {
				t.Fatal(err)
			}
			mail := mails[0] // the newest
			linked := strings.Contains(mail.Text, link)
			switch {
			case mail.To != address || mail.Subject == "" || mail.Sent.Before(begin):
				t.Errorf("%+v", mail)
			case !strings.Contains(mail.Text, address) || !strings.Contains(mail.HTML, "o&#39;neil&amp;co@example.com"):
				t.Errorf("the account is not named:\n%s\n%s", mail.Text, mail.HTML)
			case linked != strings.Contains(mail.HTML, `href="`+link+`"`), linked != strings.Contains(mail.Text, "24 hours"):
				t.Errorf("the link or how long it works is missing:\n%s\n%s", mail.Text, mail.HTML)
			case strings.Contains(mail.HTML, "<img") || strings.Contains(mail.HTML, "<script"):
				t.Error("it loads something")
			}
			if found, err := Kept.Find(mail.ID); err != nil || found != mail {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

func TestAKeptMailCanBeReadInAnEditor(t *testing.T) {
	if err := inFolder(t).Send(t.Context(), message("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(string(Kept) + "/*.eml")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "\n"+link+"\n") {
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

func TestProductionSendsNothingWithoutAServer(t *testing.T) {
	s := config.Defaults()
	s.Environment = settings.Production
	if sender := New(s); sender != nil {
		t.Error(sender)
	}
}

func TestAMailSaysWhatItsUserMustKnow(t *testing.T) {
	to := inFolder(t)
	for template, c := range map[string]struct {
		data sample
		says []string
	}{
		"password_changed": {sample{Details: map[string]any{"sessions": 1, "keys": []any{"http://evil.example", "b"}, "totp": true}}, []string{"All other sessions have ended.", "So have all API keys: 2.", "One-time codes are off."}},
		"key_created":      {sample{IP: "203.0.113.9", Session: "0198"}, []string{"from 203.0.113.9", "in the session 0198"}},
		"verify":           {sample{Link: link, TTL: time.Hour}, []string{"If this account is not yours, do not open"}},
		"totp_guessed":     {sample{IP: "203.0.113.9"}, []string{"the last one from 203.0.113.9"}},
	} {
		if err := to.Send(t.Context(), Message{"ada@example.com", template, c.data}); err != nil {
			t.Fatal(err)
		}
		mails, err := Kept.List()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(mails[0].Text), " ")
		for _, want := range c.says {
			if !strings.Contains(text, want) || !strings.Contains(mails[0].HTML, want) {
				t.Errorf("%s does not say %q:\n%s\n%s", template, want, text, mails[0].HTML)
			}
		}
		if strings.Contains(text, "evil") { // others choose the names of keys
			t.Error(text)
		}
	}
}
