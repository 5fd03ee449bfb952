package routes

import (
	"cmp"
	"strings"

	"example.com/latchkey/accounts"
	"example.com/latchkey/auth"
)

// mails sends the mails about accounts.
func (a App) mails() accounts.Mails {
	settings := a.Settings.Mail
	server := strings.TrimSuffix(cmp.Or(a.Settings.Server.PublicURL, "http://"+a.Settings.Server.Address), "/") + a.Settings.Server.BasePath
	return accounts.Mails{
		DB:        a.DB,
		Links:     auth.NewLinks(a.Settings.JWT),
		ResetURL:  cmp.Or(settings.ResetURL, server+"/password/reset"),
		VerifyURL: cmp.Or(settings.VerifyURL, server+"/email/verify"),
		ResetTTL:  settings.ResetTTL,
		VerifyTTL: settings.VerifyTTL,
		Send:      a.SendMail,
	}
}
