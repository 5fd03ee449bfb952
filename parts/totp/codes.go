package totp

import (
	"cmp"
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/throttle"
	kit "example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// The kinds of events.
const (
	enabled          accounts.Kind = "totp_enabled"
	disabled         accounts.Kind = "totp_disabled"
	recoveryCodeUsed accounts.Kind = "recovery_code_used"
	failed           accounts.Kind = "otp_failed" // also one of a signed-in user
)

// errRequired is the answer to the right password of a user with one-time codes.
var errRequired = &problem.Problem{Status: 401, Code: "otp_required", Detail: "One-time code required"}

// recoveryCodes is how many recovery codes a user gets.
const recoveryCodes = 10

// The errors of a signed-in user. Only the last one counts.
var (
	errOn          = problem.AlreadyExists.Detailed("One-time codes are on: turn them off first")
	errOff         = problem.Field("otp", "is for one-time codes, which are off")
	errCodeMissing = problem.Field("otp", "is needed, because one-time codes are on")
	errWrongCode   = guessed(problem.Field("otp", "is not right"))
)

// guessed is a wrong code, with its answer. Who guesses codes knows the password, so the
// owner gets a mail if there are too many.
func guessed(answer error) accounts.Failure {
	return accounts.Failure{Kind: failed, Of: throttle.Code, Err: answer, Notice: "totp_guessed"}
}

// TOTP is the current user's one-time codes. Its check is a second factor.
type TOTP struct {
	accounts accounts.Accounts
	keys     seal.Keys
	service  string // its name in authenticator apps
}

// TOTPSecret is a secret for an authenticator app, also as the URL of a QR code.
type TOTPSecret struct {
	Secret string `json:"secret"`
	URL    string `json:"url"`
}

// FirstCode confirms that an app makes the codes of a secret.
type FirstCode struct {
	OTP kit.Code `json:"otp" binding:"required"`
}

// RecoveryCodes are each good for one login without the app. They are shown only here.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes"`
}

// SetUp makes a secret. A login needs no code before Confirm. It replaces a secret that is
// not confirmed. The error is one of Accounts.Confirm, or already_exists.
func (t TOTP) SetUp(ctx context.Context, login accounts.Login, by accounts.Confirmation) (made TOTPSecret, err error) {
	secret := kit.NewSecret()
	refuse := func(db *gorm.DB) error {
		row, _, err := find(db, login.User)
		if err == nil && row.Confirmed {
			err = errOn
		}
		return err
	}
	prepare := func() error { return refuse(t.accounts.DB.WithContext(ctx)) } // before a code is asked for
	err = t.accounts.Confirm(ctx, login, by, prepare, func(tx *gorm.DB, user models.User) error {
		if err := refuse(tx); err != nil {
			return err
		}
		made = TOTPSecret{secret.Text(), secret.URL(t.service, string(user.Email))}
		row := totpSecret{UserID: user.ID, Secret: t.keys.Encrypt(secret, user.ID[:])}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
	return made, err
}

// Confirm turns codes on with the first code, and returns the recovery codes, which are
// stored nowhere. The error is validation_failed on otp,
// already_exists, token_revoked or too_many_attempts.
func (t TOTP) Confirm(ctx context.Context, login accounts.Login, in FirstCode) (recovery RecoveryCodes, err error) {
	a := t.accounts
	var wrong error
	err = a.WithUser(ctx, login.User.ID, func(tx *gorm.DB, user models.User) error {
		wrong = nil
		if err := accounts.RequireLive(tx, login); err != nil {
			return err
		}
		row, found, err := find(tx, user)
		switch {
		case err != nil:
			return err
		case !found:
			return errOff
		case row.Confirmed:
			return errOn
		}
		right, err := t.take(tx, row, in.OTP)
		if err != nil {
			return err
		}
		if !right {
			wrong = errWrongCode.Err
			return a.Fail(tx, user.Email, user, errWrongCode)
		}
		if err := a.Auth.Throttle.Succeed(ctx, tx, accounts.GuessBy(ctx, user.Email, throttle.Code)); err != nil {
			return err
		}
		if recovery.Codes, err = enable(tx, user); err != nil {
			return err
		}
		return a.Tell(tx, accounts.Event{Kind: enabled, User: user})
	})
	return recovery, cmp.Or(accounts.RevokedIfGone(err), wrong)
}

func enable(tx *gorm.DB, user models.User) (recovery []string, err error) {
	rows := make([]recoveryCode, recoveryCodes)
	for i := range rows {
		text, code := kit.NewRecoveryCode()
		recovery = append(recovery, text)
		rows[i] = recoveryCode{UserID: user.ID, Hash: code.Hash()}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return nil, err
	}
	return recovery, tx.Model(&totpSecret{}).Where("user_id = ?", user.ID).Update("confirmed", true).Error
}

// TurnOff turns codes off. The error is one of Accounts.Confirm, or validation_failed on otp
// if they are off.
func (t TOTP) TurnOff(ctx context.Context, login accounts.Login, by accounts.Confirmation) (endpoint.None, error) {
	return endpoint.None{}, t.accounts.Confirm(ctx, login, by, nil, func(tx *gorm.DB, user models.User) error {
		wasOn, err := turnOff(t.accounts, tx, user)
		if err == nil && !wasOn {
			err = errOff
		}
		return err
	})
}

// turnOff reports whether the codes were on.
func turnOff(a accounts.Accounts, tx *gorm.DB, user models.User) (wasOn bool, err error) {
	if wasOn, err = deleteCodes(tx, user); err != nil || !wasOn {
		return false, err
	}
	if err := a.Auth.Throttle.Clear(tx, string(user.Email), throttle.Code); err != nil {
		return false, err
	}
	return true, a.Tell(tx, accounts.Event{Kind: disabled, User: user})
}

func deleteCodes(tx *gorm.DB, user models.User) (wasOn bool, err error) {
	if err := tx.Delete(&recoveryCode{}, "user_id = ?", user.ID).Error; err != nil {
		return false, err
	}
	deleted := tx.Delete(&totpSecret{}, "user_id = ? AND confirmed", user.ID)
	return deleted.RowsAffected > 0, deleted.Error
}

// endUnproved is a hook. When a link is used to choose a new password, and the email
// was not verified before, it turns codes off, because somebody else may have turned them
// on, and adds totp to the event.
func endUnproved(tx *gorm.DB, event accounts.Event) error {
	if event.Kind != accounts.PasswordReset || !event.WasUnverified {
		return nil
	}
	ended, err := deleteCodes(tx, event.User)
	event.Details["totp"] = ended
	return err
}

// check is a SecondFactor. The error is otp_required or login_failed, or of a signed-in
// user validation_failed on otp.
func (t TOTP) check(a accounts.Accounts, tx *gorm.DB, user models.User, in accounts.Factors) error {
	missing, wrong := error(errRequired), guessed(accounts.ErrLoginFailed)
	_, signedIn := accounts.LoginFrom(tx.Statement.Context)
	switch {
	case signedIn:
		missing, wrong = errCodeMissing, errWrongCode
	case in.Provider != "": // there is no password that could be wrong
		wrong = guessed(accounts.ErrLoginFailed.Detailed("The one-time code is not right"))
	}
	row, _, err := find(tx, user)
	switch {
	case err != nil || !row.Confirmed:
		return err
	case in.OTP == "":
		return missing
	}
	if err := t.use(a, tx, user, row, in.OTP, wrong); err != nil {
		return err
	}
	return a.Auth.Throttle.Succeed(tx.Statement.Context, tx, accounts.GuessBy(tx.Statement.Context, user.Email, throttle.Code))
}

func find(tx *gorm.DB, user models.User) (row totpSecret, found bool, err error) {
	result := tx.Limit(1).Find(&row, "user_id = ?", user.ID)
	return row, result.RowsAffected == 1, result.Error
}

// use uses up a one-time code or a recovery code, or returns wrong.
func (t TOTP) use(a accounts.Accounts, tx *gorm.DB, user models.User, row totpSecret, code kit.Code, wrong accounts.Failure) error {
	if !code.IsRecovery() {
		right, err := t.take(tx, row, code)
		if err == nil && !right {
			return wrong
		}
		return err
	}
	deleted := tx.Delete(&recoveryCode{}, "user_id = ? AND hash = ?", user.ID, code.Hash())
	if deleted.Error != nil {
		return deleted.Error
	}
	if deleted.RowsAffected == 0 {
		return wrong
	}
	return a.Tell(tx, accounts.Event{Kind: recoveryCodeUsed, User: user})
}

// take uses up a one-time code, and reports whether it is right.
func (t TOTP) take(tx *gorm.DB, row totpSecret, code kit.Code) (right bool, err error) {
	secret, _, err := t.decrypt(row)
	if err != nil {
		return false, err
	}
	step, right := secret.Find(code, tx.NowFunc(), row.LastStep)
	if !right {
		return false, nil
	}
	taken := tx.Model(&totpSecret{}).Where("user_id = ? AND last_step < ?", row.UserID, step).Update("last_step", step)
	return taken.RowsAffected == 1, taken.Error
}
