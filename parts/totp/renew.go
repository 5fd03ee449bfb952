package totp

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	kit "example.com/latchkey/kit/totp"
)

// renew encrypts every secret with the current key that a previous one has encrypted, so
// that a former jwt.secret need not stay in the settings.
func (t TOTP) renew(ctx context.Context, db *gorm.DB) error {
	if len(t.keys) == 1 {
		return nil
	}
	var rows []totpSecret
	var unreadable []error
	return errors.Join(db.WithContext(ctx).FindInBatches(&rows, database.BatchSize, func(*gorm.DB, int) error {
		for _, row := range rows {
			secret, current, err := t.decrypt(row)
			if err != nil {
				unreadable = append(unreadable, err)
			}
			if err != nil || current {
				continue
			}
			same := db.WithContext(ctx).Model(&totpSecret{}).Where("user_id = ? AND secret = ?", row.UserID, row.Secret)
			if err := same.Update("secret", t.keys.Encrypt(secret, row.UserID[:])).Error; err != nil {
				return err
			}
		}
		return nil
	}).Error, errors.Join(unreadable...))
}

// errSecret is for the log.
var errSecret = errors.New("the secret of one-time codes cannot be decrypted: put the former jwt.secret into jwt.previous_secrets, or turn the codes of this user off")

// decrypt returns the secret of a user, and whether the current key has encrypted it.
func (t TOTP) decrypt(row totpSecret) (secret kit.Secret, current bool, err error) {
	secret, current, err = t.keys.Decrypt(row.Secret, row.UserID[:])
	if err != nil {
		err = fmt.Errorf("user %s: %w: %w", row.UserID, errSecret, err)
	}
	return secret, current, err
}
