package mail_test

import (
	"context"
	"fmt"
	"os"
	"testing/fstest"

	"example.com/latchkey/kit/mail"
)

// A mail is made of templates. Without a mail server it is kept in data/mail.
func ExampleSender_Send() {
	folder, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(folder)
	_ = os.Chdir(folder)
	sender := mail.New(mail.Options{
		Settings: mail.Settings{From: "Hello <no-reply@example.com>"}, // with URL: "smtps://…", mails are sent
		Keep:     true,
		Texts: fstest.MapFS{ // or an embed.FS
			"welcome.txt":  {Data: []byte("Subject: Welcome to {{.Service}}\n\nGood morning, {{.Data}}.\n")},
			"welcome.html": {Data: []byte(`{{define "body"}}<p>Good morning, {{.Data}}.</p>{{end}}`)},
			"layout.html":  {Data: []byte(`<title>{{.Subject}}</title>{{template "body" .}}`)},
		},
	})
	fmt.Println(sender.Send(context.Background(), mail.Message{To: "ada@example.com", Template: "welcome", Data: "Ada"}))

	kept, _ := mail.Kept.List()
	fmt.Println(kept[0].To, kept[0].Subject)
	fmt.Print(kept[0].Text)
	// Output:
	// <nil>
	// ada@example.com Welcome to Hello
	// Good morning, Ada.
}
