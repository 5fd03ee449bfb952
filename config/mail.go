package config

import "net/url"

func (f *Faults) checkMail(s *Settings) {
	f.checkPage("server.public_url", s.Server.PublicURL)
	f.checkPage("mail.reset_url", s.Mail.ResetURL)
	f.checkPage("mail.verify_url", s.Mail.VerifyURL)
	f.checkPositive("mail.reset_ttl", s.Mail.ResetTTL)
	f.checkPositive("mail.verify_ttl", s.Mail.VerifyTTL)
}

// checkPage adds a fault unless a setting is empty or the URL of a page, to which
// ?token= can be added.
func (f *Faults) checkPage(key, page string) {
	if page == "" {
		return
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "" || u.User != nil {
		f.add("%s: %q is not the URL of a page, such as https://app.example.com/reset", key, page)
	}
}
