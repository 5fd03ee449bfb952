package mail

import (
	"net/mail"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"example.com/latchkey/kit/settings"
)

// The default ports of mail.url (RFC 8314, section 3.3).
const (
	smtpPort  = "587"
	smtpsPort = "465"
)

// Settings are those of the mail server. Without a URL, mails are kept in a folder in
// development, and not sent in production.
type Settings struct {
	URL  settings.Secret `mapstructure:"url"`
	From string          `mapstructure:"from"`
}

// Check adds the faults of the settings in an environment.
func (s Settings) Check(f settings.Section, environment string) {
	from, err := s.sender()
	if err != nil {
		f.Add("from", "%q is not an address, such as Example <no-reply@example.com>", s.From)
	}
	if s.URL == "" {
		return
	}
	if !isMailURL(string(s.URL)) {
		f.Add("url", "write smtp://USER:PASSWORD@HOST:%s or smtps://USER:PASSWORD@HOST:%s, and percent-encode the characters @ : / ? # %% of the password, such as %%40 for @", smtpPort, smtpsPort)
	}
	if err == nil && environment == settings.Production && strings.HasSuffix(from.Address, "@localhost") {
		f.Add("from", "write the address that sends mails, such as Example <no-reply@example.com>")
	}
}

// isMailURL reports whether a URL names a mail server, with or without a user.
func isMailURL(mailURL string) bool {
	u, err := url.Parse(mailURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" ||
		strings.ContainsAny(mailURL, "?#") || !settings.HasGoodPort(u) {
		return false
	}
	password, _ := u.User.Password()
	hasUser := u.User.Username() != "" && password != ""
	return !strings.Contains(mailURL, "@") || hasUser && strings.Count(mailURL, "@") == 1
}

// sender reads mail.from. The domain is in ASCII, as SMTP needs it.
func (s Settings) sender() (mail.Address, error) {
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return mail.Address{}, err
	}
	local, domain, _ := strings.Cut(from.Address, "@")
	domain, err = idna.Lookup.ToASCII(domain)
	return mail.Address{Name: from.Name, Address: local + "@" + domain}, err
}
