package routes

import (
	"cmp"
	"strings"

	"example.com/latchkey/accounts"
)

// mails sends the mails about accounts.
func mails(a App) accounts.Mails {
	settings := a.Settings.Mail
	server := publicURL(a)
	return accounts.Mails{
		DB:        a.DB,
		Links:     accounts.NewLinks(a.Settings.JWT),
		Throttle:  a.Auth.Throttle,
		ResetURL:  cmp.Or(settings.ResetURL, server+"/password/reset"),
		VerifyURL: cmp.Or(settings.VerifyURL, server+"/email/verify"),
		ResetTTL:  settings.ResetTTL,
		VerifyTTL: settings.VerifyTTL,
		Send:      a.SendMail,

		RequireVerified: a.Settings.Login.RequireVerifiedEmail,
	}
}

// publicURL is the URL with which links to this API begin.
func publicURL(a App) string {
	server := a.Settings.Server
	return strings.TrimSuffix(cmp.Or(server.PublicURL, "http://"+server.Address), "/") + server.BasePath
}
