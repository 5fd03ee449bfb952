package accounts

import (
	"cmp"
	"context"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
)

// Deliver runs the job of a link. It sends nothing if there is no such account, or if
// that is disabled or its email verified already.
func (m Mails) Deliver(ctx context.Context, mail Mail) error {
	account := m.DB.WithContext(ctx).Where("email = ?", mail.Email)
	if !mail.UserID.IsNil() {
		account = m.DB.WithContext(ctx).Where("id = ?", mail.UserID)
	}
	var user models.User
	found := account.Limit(1).Find(&user, "NOT disabled")
	if found.Error != nil || found.RowsAffected == 0 || mail.Template == mailVerify && user.EmailVerified {
		return found.Error
	}
	content := MailContent{Email: user.Email}
	switch mail.Template {
	case mailVerify:
		content.TTL = m.VerifyTTL
		content.Link = m.link(m.VerifyURL, user, forVerification, m.VerifyTTL)
	case mailReset:
		content.TTL = m.ResetTTL
		content.Link = m.link(m.ResetURL, user, forReset, m.ResetTTL)
	case mailInvitation:
		content.TTL = m.VerifyTTL
		content.Link = m.link(m.ResetURL, user, forReset, m.VerifyTTL)
	}
	return m.send(ctx, mail.ID, cmp.Or(mail.Email, user.Email), mail.Template, content)
}

// DeliverForgotten runs the job of a link that anybody can ask for.
func (m Mails) DeliverForgotten(ctx context.Context, mail ForgottenMail) error {
	return m.Deliver(ctx, mail.Mail)
}

// DeliverNotice runs the job of a notice.
func (m Mails) DeliverNotice(ctx context.Context, notice Notice) error {
	return m.send(ctx, notice.ID, notice.To, notice.Template, notice.MailContent)
}

// send sends a mail, unless its address got too many of its kind. A mail that was
// admitted once is admitted again, for its next attempt.
func (m Mails) send(ctx context.Context, id uuid.UUID, to models.Email, template string, content MailContent) error {
	admitted := false
	err := database.Transaction(m.DB.WithContext(ctx), func(tx *gorm.DB) error {
		if err := database.Lock(tx, lockMails); err != nil {
			return err
		}
		since := tx.NowFunc().Add(-mailWindow)
		old := tx.Model(&models.CountedMail{}).Select("id").Where("created_at <= ?", since).Limit(database.BatchSize)
		if err := tx.Delete(&models.CountedMail{}, "id IN (?)", old).Error; err != nil {
			return err
		}
		var others int64
		same := m.counted(tx, to, template).Where("id <> ? AND created_at > ?", id, since)
		if err := same.Count(&others).Error; err != nil {
			return err
		}
		if admitted = others < maxMails; !admitted {
			return nil
		}
		counted := models.CountedMail{Base: models.Base{ID: id}, Address: m.Links.Address(to), Kind: template}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&counted).Error
	})
	if err != nil || !admitted {
		return err
	}
	return m.Send(ctx, to, template, content)
}

// counted selects the mails of a kind that count for an address.
func (m Mails) counted(tx *gorm.DB, to models.Email, template string) *gorm.DB {
	return tx.Model(&models.CountedMail{}).Where("address = ? AND kind = ?", m.Links.Address(to), template)
}

// giveBack lets an address get one more mail of a kind.
func (m Mails) giveBack(tx *gorm.DB, to models.Email, template string) error {
	one := m.counted(tx, to, template).Select("id").Order("id").Limit(1)
	return tx.Delete(&models.CountedMail{}, "id = (?)", one).Error
}
