package tests

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	kitmail "example.com/latchkey/kit/mail"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/mail"
)

func TestTheTextsOfPartsSayWhatTheirUserMustKnow(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	session := uuid.Must(uuid.NewV7())
	for text, says := range map[string][]string{
		"key_created":  {"from 203.0.113.9", "in the session " + session.String()},
		"totp_guessed": {"the last one from 203.0.113.9"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Chdir(t.TempDir())
			app := apptest.New(t)
			ctx := client.With(t.Context(), client.Client{IP: "203.0.113.9"})
			ctx = accounts.WithIdentity(ctx, accounts.Identity{By: accounts.BySession, ID: session})
			event := accounts.Event{Kind: accounts.LoginThrottled, Notice: text, User: models.User{Email: "ada@example.com"}}
			if err := database.Transaction(app.DB.WithContext(ctx), func(tx *gorm.DB) error { return app.Accounts.Tell(tx, event) }); err != nil {
				t.Fatal(err)
			}
			keeps := app.Program.App
			keeps.Send = nil // as in development
			kit.StartWorker(t, app.DB, slog.New(slog.DiscardHandler), time.Hour, mail.Part().New(keeps).Jobs...)
			kit.Await(t, "the mail is kept", func() bool { return app.DB.Limit(1).Find(&jobs.Row{}).RowsAffected == 0 })
			sent, err := kitmail.Kept.List()
			if err != nil || len(sent) != 1 {
				t.Fatal(sent, err)
			}
			got := strings.Join(strings.Fields(sent[0].Text), " ")
			for _, want := range says {
				if !strings.Contains(got, want) || !strings.Contains(sent[0].HTML, want) {
					t.Errorf("it does not say %q:\n%s\n%s", want, got, sent[0].HTML)
				}
			}
		})
	}
}
