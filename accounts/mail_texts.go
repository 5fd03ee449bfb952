package accounts

import (
	"embed"
	"io/fs"
)

//go:embed mails
var mailTexts embed.FS

// MailTexts are the texts of mails, for kit/mail.
func MailTexts() fs.FS {
	texts, _ := fs.Sub(mailTexts, "mails") // the name is valid
	return texts
}
