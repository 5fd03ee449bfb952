// Package mail is the part that sends mails about accounts: links to verify an email or to
// choose a password, and notices of events.
package mail

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/mail"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
)

//go:embed mails
var files embed.FS

// Settings configure mails and the links in them.
type Settings struct {
	mail.Settings `mapstructure:",squash"`

	ResetURL  string        `mapstructure:"reset_url"`
	VerifyURL string        `mapstructure:"verify_url"`
	ResetTTL  time.Duration `mapstructure:"reset_ttl"`
	VerifyTTL time.Duration `mapstructure:"verify_ttl"`
}

// LoginSettings say who may log in.
type LoginSettings struct {
	RequireVerifiedEmail bool `mapstructure:"require_verified_email"`
}

var defaults = Settings{Settings: mail.Settings{From: "Latchkey <no-reply@localhost>"}, ResetTTL: time.Hour, VerifyTTL: 24 * time.Hour}

func check(faults *settings.Faults, of config.Settings, s Settings) {
	f := faults.Section("mail")
	f.Page("reset_url", s.ResetURL)
	f.Page("verify_url", s.VerifyURL)
	f.Positive("reset_ttl", s.ResetTTL)
	f.Positive("verify_ttl", s.VerifyTTL)
	s.Check(f, of.Environment)
	if s.URL != "" && of.InProduction() && of.Server.PublicURL == "" {
		faults.Add("server.public_url: is empty, and links in mails need it: write the URL by which clients reach the server")
	}
}

// Part returns the part.
func Part() app.Part {
	texts, _ := fs.Sub(files, "mails") // the name is valid
	return app.Part{
		Name:        "mail",
		Settings:    []config.Section{config.NewSection("mail", defaults, check), config.NewSection("login", LoginSettings{}, nil)},
		Migrations:  []*gormigrate.Migration{createSentMails, createCountedMails},
		Texts:       texts,
		Public:      []string{"POST /password/forgot", "POST /password/reset", "POST /email/verify"},
		LoginErrors: []*problem.Problem{errUnverified},
		New:         start,
	}
}

// Mail sends links, takes what they lead to, and sends notices.
type Mail struct {
	accounts        accounts.Accounts // with its hooks in a route only
	keys            seal.Keys
	texts           texts
	links           map[string]link // by the text that has it
	requireVerified bool            // refuse the logins of users whose email is not verified

	// send sends a mail. After an error it is tried again later, unless that is
	// jobs.Permanent. It is nil if no mail can be sent.
	send func(ctx context.Context, to models.Email, text string, data any) error
}

func start(a app.App) app.Running {
	m := newMail(a)
	return app.Running{
		Extension: accounts.Extension{Hooks: []accounts.Hook{m.hook}},
		Jobs: []jobs.Handler{
			jobs.Handle(m.sendNotice).When(m.send != nil),
			jobs.Handle(m.sendLink).When(m.send != nil),
			jobs.Handle(func(ctx context.Context, of forgottenMail) error { return m.sendLink(ctx, of.linkMail) }).When(m.send != nil),
		},
		Summary:  []slog.Attr{slog.String("mail", m.state(a))},
		Warnings: func() []string { return m.warnings(a) },
		Routes: func(users accounts.Accounts) []endpoint.Route {
			m := m
			m.accounts = users
			return []endpoint.Route{
				endpoint.Public("POST", "/password/forgot", "Ask for a link to choose a new password", m.Forgot).TagText("Links in mails: to choose a new password, and to verify an email.").Status(202).Errors(problem.TooManyAttempts, problem.Overloaded, problem.Unavailable),
				endpoint.Public("POST", "/password/reset", "Choose a new password, with the token of a link", m.Reset).Check(endpoint.NewRules(m.CheckReset)).Errors(problem.Overloaded, problem.Unavailable),
				endpoint.Public("POST", "/email/verify", "Verify an email, with the token of a link", m.Verify).Errors(problem.Unavailable),
				app.WithLogin("POST", "/me/email/verification", "Ask for the link to verify my email once more", m.SendVerification).Status(202).Errors(problem.TooManyAttempts),
			}
		},
		Pages: func(app.Program) []endpoint.Route { return pageRoutes(a.Settings) },
	}
}

func newMail(a app.App) Mail {
	var all texts
	for _, part := range a.Parts {
		if part.Texts != nil {
			all = append(all, part.Texts)
		}
	}
	s, server := config.Of[Settings](a.Settings), a.Settings.Server.URL("")
	resetURL, verifyURL := cmp.Or(s.ResetURL, server+"/password/reset"), cmp.Or(s.VerifyURL, server+"/email/verify")
	return Mail{
		accounts: accounts.Accounts{DB: a.DB, Auth: a.Auth},
		keys:     seal.Derive(a.Settings.JWT.Secrets(), "mail link"),
		texts:    all,
		links: map[string]link{
			verifyText:     {forVerification, verifyURL, s.VerifyTTL},
			resetText:      {forReset, resetURL, s.ResetTTL},
			invitationText: {forReset, resetURL, s.VerifyTTL},
		},
		requireVerified: config.Of[LoginSettings](a.Settings).RequireVerifiedEmail,
		send:            newSender(a, all),
	}
}

// newSender returns nil if no mail can be sent.
func newSender(a app.App, all texts) func(ctx context.Context, to models.Email, text string, data any) error {
	sender := mail.New(mail.Options{
		Settings: config.Of[Settings](a.Settings).Settings, Texts: all, Keep: keeps(a.Settings), PublicURL: a.Settings.Server.PublicURL,
	})
	if a.Send != nil || sender == nil {
		return a.Send
	}
	return func(ctx context.Context, to models.Email, text string, data any) error {
		err := sender.Send(ctx, mail.Message{To: string(to), Template: text, Data: data})
		if errors.Is(err, mail.ErrPermanent) {
			return jobs.Permanent(err)
		}
		return err
	}
}

// state is what the log says at the start.
func (m Mail) state(a app.App) string {
	switch {
	case keeps(a.Settings):
		return "kept"
	case m.send == nil:
		return "off"
	}
	return "sent"
}

// warnings say that no mail is sent, or that others than the developer may read mails.
func (m Mail) warnings(a app.App) []string {
	address := a.Settings.Server.Address
	switch {
	case keeps(a.Settings) && !settings.IsLoopback(address):
		return []string{"/dev/mail shows mails, and links in them that sign in, to whoever reaches " + address + ": listen on 127.0.0.1, or set mail.url"}
	case m.send != nil:
		return nil
	}
	text := "no mail is sent, because mail.url is empty: /password/forgot and other routes that need mail answer 503"
	var waiting int64
	counted := a.DB.Model(&jobs.Row{}).Where("kind IN ? AND run_at IS NOT NULL", []string{linkMail{}.Kind(), forgottenMail{}.Kind(), noticeMail{}.Kind()}).Count(&waiting)
	if counted.Error == nil && waiting > 0 {
		text += fmt.Sprintf(". %d mails wait until it is set", waiting)
	}
	return []string{text}
}

// keeps reports whether mails are kept in a folder and shown at /dev/mail, instead of sent.
func keeps(s config.Settings) bool {
	return config.Of[Settings](s).URL == "" && s.Environment == settings.Development
}
