package accounts

import (
	"cmp"
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// WithUser runs a function that changes a user, and may call Revoke, in a
// transaction that locks the user's row. The change takes effect at once. The error
// is not_found if there is no such user.
func (a Accounts) WithUser(ctx context.Context, id uuid.UUID, change func(tx *gorm.DB, user models.User) error) error {
	// Also after an error: the commit may have succeeded without an answer.
	defer a.Auth.Sessions.Invalidate(id)
	return database.Transaction(a.DB.WithContext(ctx), func(tx *gorm.DB) error {
		var user models.User
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&user, "id = ?", id).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return problem.NotFound
		}
		if err != nil {
			return err
		}
		return change(tx, user)
	})
}

// RevokedIfGone returns the error of a change of the current user: token_revoked for
// not_found.
func RevokedIfGone(err error) error {
	if errors.Is(err, problem.NotFound) {
		return token.ErrRevoked
	}
	return err
}

// Save writes every column of a user. The transaction must have locked the row.
func Save(tx *gorm.DB, user *models.User) error { return tx.Select("*").Updates(user).Error }

// passwordCheck is the input of withPassword.
type passwordCheck struct {
	email    models.Email            // of the account whose failures count
	user     func(*gorm.DB) *gorm.DB // selects the user
	password password.Password
	wrong    error // the error of a wrong password
	notFound error // the error if there is no such user, or the password changed meanwhile

	// without may be nil. It is called in place of the check if there is no password, or
	// the user has none.
	without func(ctx context.Context, user models.User) error

	// prepare may be nil. It does what takes long, after the password is verified
	// and before the transaction.
	prepare func() error
}

// Failure is the error of a wrong guess, which counts.
type Failure struct {
	Kind Kind             // of its event
	Of   throttle.Guessed // what was guessed
	Err  error            // the answer

	Notice string // of the event that there were too many
}

func (f Failure) Error() string { return f.Err.Error() }

// withPassword verifies a password, and then runs change as Accounts.WithUser does, if
// the password is still the user's. It also replaces a hash with an outdated cost. A
// Failure of change undoes only what change did, and counts. The error is one of check,
// change's, too_many_attempts, overloaded, or ctx's.
func (a Accounts) withPassword(ctx context.Context, check passwordCheck, change func(tx *gorm.DB, user models.User) error) error {
	// A second round begins if the hash was replaced meanwhile. A wrong password then means
	// that it was changed.
	for wrong := check.wrong; ; wrong = check.notFound {
		user, newHash, err := a.verify(ctx, check, wrong)
		if errors.Is(err, check.wrong) {
			return a.failed(ctx, check.email, user, Failure{Kind: LoginFailed, Of: throttle.Password, Err: err})
		}
		if err == nil && check.prepare != nil {
			err = check.prepare()
		}
		if err != nil {
			return err
		}
		var same bool
		var failed error
		err = a.WithUser(ctx, user.ID, func(tx *gorm.DB, now models.User) error {
			failed, same = nil, now.PasswordHash == user.PasswordHash
			if !same {
				return nil
			}
			if err := a.Auth.Throttle.Succeed(ctx, tx, GuessBy(ctx, check.email, throttle.Password)); err != nil {
				return err
			}
			if newHash != "" {
				now.PasswordHash = newHash
				if err := Save(tx, &now); err != nil {
					return err
				}
			}
			failed, err = a.Guess(tx, now, change)
			return err
		})
		switch {
		case err == nil && failed != nil:
			return failed
		case !same && errors.Is(err, problem.NotFound):
			return check.notFound
		case err != nil || same:
			return err
		}
	}
}

// Guess runs the part of a transaction that may return a Failure, in a savepoint. After a
// Failure, the transaction can be committed with its count, and the answer is failed.
func (a Accounts) Guess(tx *gorm.DB, user models.User, change func(tx *gorm.DB, user models.User) error) (failed, err error) {
	const before = "before_guess"
	if err := tx.SavePoint(before).Error; err != nil {
		return nil, err
	}
	var failure Failure
	if err := change(tx, user); !errors.As(err, &failure) {
		return nil, err
	}
	if err := tx.RollbackTo(before).Error; err != nil {
		return nil, err
	}
	return failure.Err, a.Fail(tx, user.Email, user, failure)
}

// failed counts a wrong guess, and returns its answer, or too_many_attempts if too many
// were wrong at the same time. The user of an unknown email is the zero User, and makes
// the same statements. A failure also counts if the client does not wait for its answer.
func (a Accounts) failed(ctx context.Context, email models.Email, user models.User, failure Failure) error {
	err := database.Transaction(a.DB.WithContext(context.WithoutCancel(ctx)), func(tx *gorm.DB) error {
		return a.Fail(tx, email, user, failure)
	})
	return cmp.Or(err, failure.Err)
}

// Fail is failed in a transaction.
func (a Accounts) Fail(tx *gorm.DB, email models.Email, user models.User, failure Failure) error {
	ctx := tx.Statement.Context
	last, err := a.Auth.Throttle.Fail(ctx, tx, GuessBy(ctx, email, failure.Of))
	if err != nil {
		return err
	}
	if err := a.Tell(tx, Event{Kind: failure.Kind, User: user}); err != nil || !last {
		return err
	}
	throttled := Event{Kind: LoginThrottled, User: user, Notice: failure.Notice}
	if failure.Of != throttle.Password {
		throttled.Details = map[string]any{"of": failure.Of}
	}
	return a.Tell(tx, throttled)
}

// errNoPassword ends the check of a password, for passwordCheck.without.
var errNoPassword = errors.New("there is no password to verify")

// verify returns the user if the password is right, and a new hash if the cost of the
// stored one is outdated.
func (a Accounts) verify(ctx context.Context, check passwordCheck, wrong error) (user models.User, newHash string, err error) {
	// The queue of hashes is asked first, so that its refusal costs no statement.
	right, err := a.Auth.Passwords.Verify(ctx, check.password, func() (hash string, err error) {
		if err := a.Auth.Throttle.Check(ctx, GuessBy(ctx, check.email, throttle.Password)); err != nil {
			return "", err
		}
		err = check.user(a.DB.WithContext(ctx)).Limit(1).Find(&user).Error
		if err == nil && check.without != nil && !user.ID.IsNil() && (check.password == "" || user.PasswordHash == "") {
			err = errNoPassword
		}
		return user.PasswordHash, err
	})
	switch {
	case errors.Is(err, errNoPassword):
		return user, "", check.without(ctx, user)
	case err != nil:
		return user, "", err
	case user.ID.IsNil():
		return user, "", check.notFound
	case !right:
		return user, "", wrong
	case a.Auth.Passwords.Outdated(user.PasswordHash):
		newHash, err = a.Auth.Passwords.Rehash(ctx, check.password)
	}
	return user, newHash, err
}

// keepAnAdmin runs a change that may remove an admin, inside a transaction. The error
// is last_admin if no admin would be left.
func keepAnAdmin(tx *gorm.DB, change func() error) error {
	// Without the lock, two admins could demote each other at the same time.
	if err := database.Lock(tx, lockAdmins); err != nil {
		return err
	}
	before, err := admins(tx)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := admins(tx)
	if err == nil && before > 0 && after == 0 {
		return ErrLastAdmin
	}
	return err
}

// admins returns 1 if there is an admin who is not disabled, else 0.
func admins(tx *gorm.DB) (int64, error) {
	found := tx.Select("id").Limit(1).Find(&models.User{}, "role = 'admin' AND NOT disabled")
	return found.RowsAffected, found.Error
}
