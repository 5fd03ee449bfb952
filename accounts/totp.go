package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// The events of one-time codes.
const (
	TOTPEnabled      Kind = "totp_enabled"
	TOTPDisabled     Kind = "totp_disabled"
	RecoveryCodeUsed Kind = "recovery_code_used"
	OTPFailed        Kind = "otp_failed" // also one of a signed-in user
)

// ErrOTPRequired is the answer to the right password of a user with one-time codes.
var ErrOTPRequired = &problem.Problem{Status: 401, Code: "otp_required", Detail: "One-time code required"}

// recoveryCodes is how many recovery codes a user gets.
const recoveryCodes = 10

// The errors of a signed-in user. Only the last one counts.
var (
	errTOTPOn      = problem.AlreadyExists.Detailed("One-time codes are on: turn them off first")
	errTOTPOff     = problem.Field("otp", "is for one-time codes, which are off")
	errCodeMissing = problem.Field("otp", "is needed, because one-time codes are on")
	errWrongCode   = Failure{OTPFailed, throttle.Code, problem.Field("otp", "is not right")}
)

// TOTP sets one-time codes up, and is a second factor.
type TOTP struct {
	Keys    seal.Keys
	Service string // its name in authenticator apps
}

// SetUp makes a secret for a logged-in user. A login needs no code before Confirm. It
// replaces a secret that is not confirmed. The error is one of Accounts.Confirm, or
// already_exists.
func (t TOTP) SetUp(ctx context.Context, a Accounts, login Login, by Confirmation) (secret totp.Secret, url string, err error) {
	secret = totp.NewSecret()
	refuse := func(db *gorm.DB) error {
		row, _, err := findTOTP(db, login.User)
		if err == nil && row.Confirmed {
			err = errTOTPOn
		}
		return err
	}
	prepare := func() error { return refuse(a.DB.WithContext(ctx)) } // before a code is asked for
	err = a.Confirm(ctx, login, by, prepare, func(tx *gorm.DB, user models.User) error {
		if err := refuse(tx); err != nil {
			return err
		}
		url = secret.URL(t.Service, string(user.Email))
		row := models.TOTPSecret{UserID: user.ID, Secret: t.Keys.Encrypt(secret, user.ID[:])}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
	return secret, url, err
}

// Confirm turns codes on with the first code of a logged-in user, and returns the
// recovery codes, which are stored nowhere. The error is validation_failed on otp,
// already_exists, token_revoked or too_many_attempts.
func (t TOTP) Confirm(ctx context.Context, a Accounts, login Login, code totp.Code) (recovery []string, err error) {
	var wrong error
	err = a.change(ctx, login.User.ID, func(tx *gorm.DB, user models.User) error {
		wrong = nil
		if err := requireLive(tx, login); err != nil {
			return err
		}
		row, found, err := findTOTP(tx, user)
		switch {
		case err != nil:
			return err
		case !found:
			return errTOTPOff
		case row.Confirmed:
			return errTOTPOn
		}
		right, err := t.take(tx, row, code)
		if err != nil {
			return err
		}
		if !right {
			wrong = errWrongCode.Err
			return a.fail(tx, user.Email, user, errWrongCode)
		}
		if err := a.Auth.Throttle.Succeed(ctx, tx, guessBy(ctx, user.Email, throttle.Code)); err != nil {
			return err
		}
		if recovery, err = t.enable(tx, user); err != nil {
			return err
		}
		return a.call(tx, Event{Kind: TOTPEnabled, User: user})
	})
	return recovery, cmp.Or(revokedIfGone(err), wrong)
}

func (TOTP) enable(tx *gorm.DB, user models.User) (recovery []string, err error) {
	rows := make([]models.RecoveryCode, recoveryCodes)
	for i := range rows {
		text, code := totp.NewRecoveryCode()
		recovery = append(recovery, text)
		rows[i] = models.RecoveryCode{UserID: user.ID, Hash: code.Hash()}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return nil, err
	}
	return recovery, tx.Model(&models.TOTPSecret{}).Where("user_id = ?", user.ID).Update("confirmed", true).Error
}

// TurnOff turns codes off for a logged-in user. The error is one of Accounts.Confirm, or
// validation_failed on otp if they are off.
func (TOTP) TurnOff(ctx context.Context, a Accounts, login Login, by Confirmation) error {
	return a.Confirm(ctx, login, by, nil, func(tx *gorm.DB, user models.User) error {
		wasOn, err := a.disableTOTP(tx, user)
		if err == nil && !wasOn {
			err = errTOTPOff
		}
		return err
	})
}

// DisableTOTP turns codes off for any user, and reports whether they were on. The error
// is not_found if there is no such user.
func (a Accounts) DisableTOTP(ctx context.Context, id uuid.UUID) (wasOn bool, err error) {
	err = a.change(ctx, id, func(tx *gorm.DB, user models.User) (err error) {
		wasOn, err = a.disableTOTP(tx, user)
		return err
	})
	return wasOn, err
}

func (a Accounts) disableTOTP(tx *gorm.DB, user models.User) (wasOn bool, err error) {
	if wasOn, err = deleteTOTP(tx, user); err != nil || !wasOn {
		return false, err
	}
	if err := a.Auth.Throttle.Clear(tx, string(user.Email), throttle.Code); err != nil {
		return false, err
	}
	return true, a.call(tx, Event{Kind: TOTPDisabled, User: user})
}

func deleteTOTP(tx *gorm.DB, user models.User) (wasOn bool, err error) {
	if err := tx.Delete(&models.RecoveryCode{}, "user_id = ?", user.ID).Error; err != nil {
		return false, err
	}
	deleted := tx.Delete(&models.TOTPSecret{}, "user_id = ? AND confirmed", user.ID)
	return deleted.RowsAffected > 0, deleted.Error
}

// EndUnprovedTOTP is a hook. When a link is used to choose a new password, and the email
// was not verified before, it turns codes off, because somebody else may have turned them
// on, and adds totp to the event.
func EndUnprovedTOTP(tx *gorm.DB, event Event) error {
	if event.Kind != PasswordReset || !event.WasUnverified {
		return nil
	}
	ended, err := deleteTOTP(tx, event.User)
	event.Details["totp"] = ended
	return err
}

// Check is a SecondFactor. The error is otp_required or login_failed, or of a signed-in
// user validation_failed on otp.
func (t TOTP) Check(a Accounts, tx *gorm.DB, user models.User, in Factors) error {
	missing, wrong := error(ErrOTPRequired), Failure{OTPFailed, throttle.Code, ErrLoginFailed}
	if _, signedIn := LoginFrom(tx.Statement.Context); signedIn {
		missing, wrong = errCodeMissing, errWrongCode
	}
	row, _, err := findTOTP(tx, user)
	switch {
	case err != nil || !row.Confirmed:
		return err
	case in.OTP == "":
		return missing
	}
	if err := t.use(a, tx, user, row, in.OTP, wrong); err != nil {
		return err
	}
	return a.Auth.Throttle.Succeed(tx.Statement.Context, tx, guessBy(tx.Statement.Context, user.Email, throttle.Code))
}

func findTOTP(tx *gorm.DB, user models.User) (row models.TOTPSecret, found bool, err error) {
	result := tx.Limit(1).Find(&row, "user_id = ?", user.ID)
	return row, result.RowsAffected == 1, result.Error
}

// use uses up a one-time code or a recovery code, or returns wrong.
func (t TOTP) use(a Accounts, tx *gorm.DB, user models.User, row models.TOTPSecret, code totp.Code, wrong Failure) error {
	if !code.IsRecovery() {
		right, err := t.take(tx, row, code)
		if err == nil && !right {
			return wrong
		}
		return err
	}
	deleted := tx.Delete(&models.RecoveryCode{}, "user_id = ? AND hash = ?", user.ID, code.Hash())
	if deleted.Error != nil {
		return deleted.Error
	}
	if deleted.RowsAffected == 0 {
		return wrong
	}
	return a.call(tx, Event{Kind: RecoveryCodeUsed, User: user})
}

// take uses up a one-time code, and reports whether it is right.
func (t TOTP) take(tx *gorm.DB, row models.TOTPSecret, code totp.Code) (right bool, err error) {
	secret, _, err := t.decrypt(row)
	if err != nil {
		return false, err
	}
	step, right := secret.Find(code, tx.NowFunc(), row.LastStep)
	if !right {
		return false, nil
	}
	taken := tx.Model(&models.TOTPSecret{}).Where("user_id = ? AND last_step < ?", row.UserID, step).Update("last_step", step)
	return taken.RowsAffected == 1, taken.Error
}

// Renew encrypts every secret with the current key that a previous one has encrypted, so
// that a former jwt.secret need not stay in the settings.
func (t TOTP) Renew(ctx context.Context, db *gorm.DB) error {
	if len(t.Keys) == 1 {
		return nil
	}
	var rows []models.TOTPSecret
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
			same := db.WithContext(ctx).Model(&models.TOTPSecret{}).Where("user_id = ? AND secret = ?", row.UserID, row.Secret)
			if err := same.Update("secret", t.Keys.Encrypt(secret, row.UserID[:])).Error; err != nil {
				return err
			}
		}
		return nil
	}).Error, errors.Join(unreadable...))
}

// errSecret is for the log.
var errSecret = errors.New("the secret of one-time codes cannot be decrypted: put the former jwt.secret into jwt.previous_secrets, or turn the codes of this user off")

// decrypt returns the secret of a user, and whether the current key has encrypted it.
func (t TOTP) decrypt(row models.TOTPSecret) (secret totp.Secret, current bool, err error) {
	secret, current, err = t.Keys.Decrypt(row.Secret, row.UserID[:])
	if err != nil {
		err = fmt.Errorf("user %s: %w: %w", row.UserID, errSecret, err)
	}
	return secret, current, err
}
