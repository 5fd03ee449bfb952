package accounts

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/auth"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// change runs a change of a user, and of the sessions by auth.Revoke, in one
// transaction that holds the user's row, and makes it take effect at once. The
// error is not_found where there is no such user.
func (a Accounts) change(ctx context.Context, id uuid.UUID, change func(tx *gorm.DB, user models.User) error) error {
	// Also after an error: the answer to a commit may have been lost.
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

// save stores every column of a user whose row the transaction holds.
func save(tx *gorm.DB, user *models.User) error { return tx.Select("*").Updates(user).Error }

// set changes a field to what a change says of it, if it does.
func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// passwordCheck says whose password is verified, and how a refusal is answered.
type passwordCheck struct {
	user     func(*gorm.DB) *gorm.DB // selects the user
	password auth.Password
	wrong    error // the password is not that user's
	gone     error // there is no such user, or the password was changed after it was verified

	// prepare, if any, is what takes long: it runs once the password is
	// verified, before the transaction.
	prepare func() error
}

// withPassword verifies a password, and then runs a change as Accounts.change does,
// in a transaction in which that password is still the user's. It gives a hash
// of another cost than today's a new one. The error is one of check's, change's,
// overloaded, or ctx's.
func (a Accounts) withPassword(ctx context.Context, check passwordCheck, change func(tx *gorm.DB, user models.User) error) error {
	for refusal := check.wrong; ; refusal = check.gone {
		user, fresh, err := a.verify(ctx, check, refusal)
		if err == nil && check.prepare != nil {
			err = check.prepare()
		}
		if err != nil {
			return err
		}
		same := false
		err = a.change(ctx, user.ID, func(tx *gorm.DB, now models.User) error {
			if same = now.PasswordHash == user.PasswordHash; !same {
				return nil
			}
			if fresh != "" {
				now.PasswordHash = fresh
				if err := save(tx, &now); err != nil {
					return err
				}
			}
			return change(tx, now)
		})
		switch {
		case !same && errors.Is(err, problem.NotFound):
			return check.gone
		case err != nil || same:
			return err
		}
		// Another login may have hashed the same password anew: verify it again.
	}
}

// verify gives the user whose password it is, and a new hash where the stored
// one is of another cost than today's.
func (a Accounts) verify(ctx context.Context, check passwordCheck, wrong error) (user models.User, fresh string, err error) {
	found := check.user(a.DB.WithContext(ctx)).Limit(1).Find(&user)
	if found.Error != nil {
		return user, "", found.Error
	}
	right, err := a.Auth.Passwords.Verify(ctx, user.PasswordHash, check.password)
	switch {
	case err != nil:
		return user, "", err
	case found.RowsAffected == 0:
		return user, "", check.gone
	case !right:
		return user, "", wrong
	case a.Auth.Passwords.Outdated(user.PasswordHash):
		fresh, err = a.Auth.Passwords.Rehash(ctx, check.password)
	}
	return user, fresh, err
}

// keepAnAdmin runs a change, inside a transaction, that may take an admin away.
// The error is last_admin where no admin would be left.
func keepAnAdmin(tx *gorm.DB, change func() error) error {
	// One at a time, so that two admins cannot demote each other.
	if err := database.Lock(tx, database.LockAdmins); err != nil {
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
		return problem.LastAdmin
	}
	return err
}

// admins counts the admins who can act, up to one.
func admins(tx *gorm.DB) (int64, error) {
	found := tx.Select("id").Limit(1).Find(&models.User{}, "role = 'admin' AND NOT disabled")
	return found.RowsAffected, found.Error
}
