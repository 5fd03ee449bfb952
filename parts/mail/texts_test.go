package mail_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	kitmail "example.com/latchkey/kit/mail"
	"example.com/latchkey/models"
	"example.com/latchkey/parts"
	"example.com/latchkey/parts/mail"
)

// address has characters that HTML escapes.
const address = "o'neil&co@example.com"

// cause lets happen what a mail is about: an event whose kind or notice is the name of its
// text, or what a link is for.
func cause(t *testing.T, app *apptest.App, text string, session uuid.UUID) {
	t.Helper()
	ctx := client.With(t.Context(), client.Client{IP: "203.0.113.9"})
	ctx = accounts.WithIdentity(ctx, accounts.Identity{By: accounts.BySession, ID: session})
	var err error
	switch text {
	case "verify":
		app.Register(address)
	case "reset":
		app.Register(address)
		app.DB.Exec("DELETE FROM jobs")
		forgot(t, app, address)
	case "invitation":
		_, err = app.Accounts.Invite(ctx, accounts.InvitedUser{Email: address})
	default:
		event := accounts.Event{Kind: accounts.Kind(text), User: models.User{Email: address}}
		if !slices.Contains(app.Program.Kinds(), event.Kind) {
			event.Kind, event.Notice = accounts.LoginThrottled, text
		}
		err = database.Transaction(app.DB.WithContext(ctx), func(tx *gorm.DB) error { return app.Accounts.Tell(tx, event) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Also each text that another part brings.
func TestEveryTextIsSentForItsEvent(t *testing.T) {
	for _, part := range parts.All() {
		if part.Texts == nil {
			continue
		}
		files, err := fs.Glob(part.Texts, "*.txt")
		if err != nil || len(files) == 0 {
			t.Errorf("%s has the texts %v, %v", part.Name, files, err)
		}
		for _, file := range files {
			source, err := fs.ReadFile(part.Texts, file)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(file, func(t *testing.T) { wantSent(t, strings.TrimSuffix(file, ".txt"), string(source)) })
		}
	}
}

// wantSent fails the test unless the mail of a text is sent for its event, with what its
// source shows of that.
func wantSent(t *testing.T, text, source string) {
	t.Helper()
	t.Chdir(t.TempDir())
	begin, session := time.Now().Truncate(time.Second), uuid.Must(uuid.NewV7()) // a mail has no fractions
	app := apptest.New(t, func(s *config.Settings) { config.Of[mail.Settings](*s).ResetTTL = 24 * time.Hour })
	cause(t, app, text, session)
	work(t, app, nil)
	kit.Await(t, "no mail waits", func() bool { return len(kindsOfJobs(app)) == 0 })
	sent, err := kitmail.Kept.List()
	if err != nil || len(sent) != 1 {
		t.Fatalf("%v, %v", sent, err)
	}
	got := sent[0]
	subject, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(strings.Split(source, "\n")[0]), "Subject: "), "{{")
	if got.To != address || subject == "" || !strings.HasPrefix(got.Subject, subject) || got.Sent.Before(begin) {
		t.Errorf("%+v, want %q", got, subject)
	}
	if !strings.Contains(got.Text, address) || !strings.Contains(got.HTML, "o&#39;neil&amp;co@example.com") {
		t.Errorf("the account is not named:\n%s\n%s", got.Text, got.HTML)
	}
	if strings.Contains(got.HTML, "<img") || strings.Contains(got.HTML, "<script") {
		t.Error("it loads something")
	}
	if link := regexp.MustCompile(`http\S+`).FindString(got.Text); link != "" && !strings.Contains(got.HTML, `href="`+link+`"`) {
		t.Errorf("%s is not in %s", link, got.HTML)
	}
	for shown, of := range map[string][2]string{
		"the link":          {".Data.Link", "http://127.0.0.1:8080/"},
		"how long it works": {".Data.TTL", "24 hours"},
		"the address":       {".Data.IP", "203.0.113.9"},
		"the session":       {".Data.Session", session.String()},
	} {
		if shows := strings.Contains(source, of[0]); strings.Contains(got.Text, of[1]) != shows || strings.Contains(got.HTML, of[1]) != shows {
			t.Errorf("it shows %s: want %t:\n%s\n%s", shown, shows, got.Text, got.HTML)
		}
	}
}

func TestAMailSaysWhatItsUserMustKnow(t *testing.T) {
	t.Chdir(t.TempDir())
	app := apptest.New(t)
	for text, c := range map[string]struct {
		content mail.Content
		says    []string
	}{
		"password_changed": {mail.Content{Details: map[string]any{"sessions": 1, "keys": []any{"http://evil.example", "b"}, "totp": true}}, []string{"All other sessions have ended.", "So have all API keys: 2.", "One-time codes are off."}},
		"verify":           {mail.Content{Link: "https://api.example.com/email/verify?token=aZ0_-", TTL: time.Hour}, []string{"If this account is not yours, do not open"}},
	} {
		keep(t, app, "ada@example.com", text, c.content)
		sent, err := kitmail.Kept.List()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(sent[0].Text), " ") // of the newest
		for _, want := range c.says {
			if !strings.Contains(got, want) || !strings.Contains(sent[0].HTML, want) {
				t.Errorf("%s does not say %q:\n%s\n%s", text, want, got, sent[0].HTML)
			}
		}
		if strings.Contains(got, "evil") { // others choose the names of keys
			t.Error(got)
		}
	}
}
