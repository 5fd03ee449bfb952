package config

import (
	"net/mail"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"example.com/latchkey/kit/settings"
)

// The default ports of mail.url (RFC 8314, section 3.3).
const (
	SMTPPort  = 587
	SMTPSPort = 465
)

// Mail configures mails and the links in them.
type Mail struct {
	URL       settings.Secret `mapstructure:"url"`
	From      string          `mapstructure:"from"`
	ResetURL  string          `mapstructure:"reset_url"`
	VerifyURL string          `mapstructure:"verify_url"`
	ResetTTL  time.Duration   `mapstructure:"reset_ttl"`
	VerifyTTL time.Duration   `mapstructure:"verify_ttl"`
}

// Verified are the settings of Login for verified emails.
type Verified struct {
	RequireVerifiedEmail bool `mapstructure:"require_verified_email"`
}

func defaultMail() Mail {
	return Mail{From: "Latchkey <no-reply@localhost>", ResetTTL: time.Hour, VerifyTTL: 24 * time.Hour}
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
	from, err := s.Mail.Sender()
	if err != nil {
		f.Add("from", "%q is not an address, such as Example <no-reply@example.com>", s.Mail.From)
	}
	if s.Mail.URL == "" {
		return
	}
	if !isMailURL(string(s.Mail.URL)) {
		f.Add("url", "write smtp://USER:PASSWORD@HOST:%d or smtps://USER:PASSWORD@HOST:%d, and percent-encode the characters @ : / ? # %% of the password, such as %%40 for @", SMTPPort, SMTPSPort)
	}
	if err == nil && s.Environment == settings.Production && strings.HasSuffix(from.Address, "@localhost") {
		f.Add("from", "write the address that sends mails, such as Example <no-reply@example.com>")
	}
	if s.Environment == settings.Production && s.Server.PublicURL == "" {
		faults.Add("server.public_url: is empty, and links in mails need it: write the URL by which clients reach the server")
	}
}

// isMailURL reports whether a URL names a mail server, with or without a user.
func isMailURL(mailURL string) bool {
	u, err := url.Parse(mailURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" ||
		strings.ContainsAny(mailURL, "?#") || strings.Count(mailURL, "@") > 1 || u.User == nil && strings.Contains(mailURL, "@") {
		return false
	}
	if u.User != nil {
		password, _ := u.User.Password()
		if u.User.Username() == "" || password == "" {
			return false
		}
	}
	return settings.HasGoodPort(u)
}

// Sender reads mail.from. The domain is in ASCII, as SMTP needs it.
func (m Mail) Sender() (mail.Address, error) {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return mail.Address{}, err
	}
	local, domain, _ := strings.Cut(from.Address, "@")
	domain, err = idna.Lookup.ToASCII(domain)
	return mail.Address{Name: from.Name, Address: local + "@" + domain}, err
}
