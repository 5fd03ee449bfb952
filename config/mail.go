package config

import (
	"time"

	"example.com/latchkey/kit/mail"

	"example.com/latchkey/kit/settings"
)

// Mail configures mails and the links in them.
type Mail struct {
	mail.Settings `mapstructure:",squash"`

	ResetURL  string        `mapstructure:"reset_url"`
	VerifyURL string        `mapstructure:"verify_url"`
	ResetTTL  time.Duration `mapstructure:"reset_ttl"`
	VerifyTTL time.Duration `mapstructure:"verify_ttl"`
}

// Verified are the settings of Login for verified emails.
type Verified struct {
	RequireVerifiedEmail bool `mapstructure:"require_verified_email"`
}

func defaultMail() Mail {
	return Mail{Settings: mail.Settings{From: "Latchkey <no-reply@localhost>"}, ResetTTL: time.Hour, VerifyTTL: 24 * time.Hour}
}

// KeepsMails reports whether mails are kept in a folder and shown at /dev/mail, instead
// of sent.
func (s Settings) KeepsMails() bool { return s.Mail.URL == "" && s.Environment == settings.Development }

func checkMail(faults *settings.Faults, s *Settings) {
	f := faults.Section("mail")
	f.Page("reset_url", s.Mail.ResetURL)
	f.Page("verify_url", s.Mail.VerifyURL)
	f.Positive("reset_ttl", s.Mail.ResetTTL)
	f.Positive("verify_ttl", s.Mail.VerifyTTL)
	s.Mail.Check(f, s.Environment)
	if s.Mail.URL != "" && s.InProduction() && s.Server.PublicURL == "" {
		faults.Add("server.public_url: is empty, and links in mails need it: write the URL by which clients reach the server")
	}
}
