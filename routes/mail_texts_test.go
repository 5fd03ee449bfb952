package routes_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/mail"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

const mailLink = "https://api.example.com/email/verify?token=aZ0_-"

// kept sends a mail into the folder of development, and returns it.
func kept(t *testing.T, to models.Email, template string, content accounts.MailContent) mail.KeptMail {
	t.Helper()
	content.Email = to
	if err := routes.SendMail(config.Defaults())(t.Context(), to, template, content); err != nil {
		t.Fatal(err)
	}
	mails, err := mail.Kept.List()
	if err != nil {
		t.Fatal(err)
	}
	return mails[0] // the newest
}

func TestEveryTemplateMakesAMail(t *testing.T) {
	t.Chdir(t.TempDir())
	begin := time.Now().Truncate(time.Second) // a mail has no fractions
	files, err := fs.Glob(accounts.MailTexts(), "*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			const address = "o'neil&co@example.com"
			got := kept(t, address, strings.TrimSuffix(file, ".txt"), accounts.MailContent{Link: mailLink, TTL: 24 * time.Hour})
			linked := strings.Contains(got.Text, mailLink)
			switch {
			case got.To != address || got.Subject == "" || got.Sent.Before(begin):
				t.Errorf("%+v", got)
			case !strings.Contains(got.Text, address) || !strings.Contains(got.HTML, "o&#39;neil&amp;co@example.com"):
				t.Errorf("the account is not named:\n%s\n%s", got.Text, got.HTML)
			case linked != strings.Contains(got.HTML, `href="`+mailLink+`"`), linked != strings.Contains(got.Text, "24 hours"):
				t.Errorf("the link or how long it works is missing:\n%s\n%s", got.Text, got.HTML)
			case strings.Contains(got.HTML, "<img") || strings.Contains(got.HTML, "<script"):
				t.Error("it loads something")
			}
		})
	}
}

func TestAMailSaysWhatItsUserMustKnow(t *testing.T) {
	t.Chdir(t.TempDir())
	session := uuid.Must(uuid.NewV7())
	for template, c := range map[string]struct {
		content accounts.MailContent
		says    []string
	}{
		"password_changed": {accounts.MailContent{Details: map[string]any{"sessions": 1, "keys": []any{"http://evil.example", "b"}, "totp": true}}, []string{"All other sessions have ended.", "So have all API keys: 2.", "One-time codes are off."}},
		"key_created":      {accounts.MailContent{IP: "203.0.113.9", Session: session}, []string{"from 203.0.113.9", "in the session " + session.String()}},
		"verify":           {accounts.MailContent{Link: mailLink, TTL: time.Hour}, []string{"If this account is not yours, do not open"}},
		"totp_guessed":     {accounts.MailContent{IP: "203.0.113.9"}, []string{"the last one from 203.0.113.9"}},
	} {
		got := kept(t, "ada@example.com", template, c.content)
		text := strings.Join(strings.Fields(got.Text), " ")
		for _, want := range c.says {
			if !strings.Contains(text, want) || !strings.Contains(got.HTML, want) {
				t.Errorf("%s does not say %q:\n%s\n%s", template, want, text, got.HTML)
			}
		}
		if strings.Contains(text, "evil") { // others choose the names of keys
			t.Error(text)
		}
	}
}
