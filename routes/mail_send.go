package routes

import (
	"context"
	"errors"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/mail"
	"example.com/latchkey/models"
)

// SendMail makes what App.SendMail needs, from settings that config has checked.
func SendMail(settings config.Settings) accounts.SendMail {
	sender := mail.New(mail.Options{
		Settings: settings.Mail.Settings, Texts: accounts.MailTexts(), Keep: settings.KeepsMails(), PublicURL: settings.Server.PublicURL,
	})
	if sender == nil {
		return nil
	}
	return func(ctx context.Context, to models.Email, template string, content accounts.MailContent) error {
		err := sender.Send(ctx, mail.Message{To: string(to), Template: template, Data: content})
		if errors.Is(err, mail.ErrPermanent) {
			return jobs.Permanent(err)
		}
		return err
	}
}
