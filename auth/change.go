package auth

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// forUpdate locks the rows that a query finds until the transaction ends.
var forUpdate = clause.Locking{Strength: clause.LockingStrengthUpdate}

// ChangeUser runs a change of a user, and of the sessions by Revoke, in one
// transaction that holds the user's row, and makes it take effect at once. The
// error is not_found where there is no such user.
func (s *Sessions) ChangeUser(ctx context.Context, id uuid.UUID, change func(tx *gorm.DB, user models.User) error) error {
	// Also after an error: the answer to a commit may have been lost.
	defer s.live.invalidate(id)
	return database.Transaction(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		var user models.User
		err := tx.Clauses(forUpdate).Take(&user, "id = ?", id).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return problem.NotFound
		}
		if err != nil {
			return err
		}
		return change(tx, user)
	})
}

// A PasswordCheck says whose password is verified, and how a refusal is answered.
type PasswordCheck struct {
	User     func(*gorm.DB) *gorm.DB // selects the user
	Password Password
	Wrong    error // the password is not that user's
	Gone     error // there is no such user, or the password was changed after it was verified

	// Prepare, if any, is what takes long: it runs once the password is
	// verified, before the transaction.
	Prepare func(context.Context) error
}

// WithPassword verifies a password, and then runs a change as ChangeUser does,
// in a transaction in which that password is still the user's. It gives a hash
// of another cost than today's a new one. The error is one of check's, change's,
// overloaded, or ctx's.
func (s Services) WithPassword(ctx context.Context, check PasswordCheck, change func(tx *gorm.DB, user models.User) error) error {
	for refusal := check.Wrong; ; refusal = check.Gone {
		user, fresh, err := s.verify(ctx, check, refusal)
		if err == nil && check.Prepare != nil {
			err = check.Prepare(ctx)
		}
		if err != nil {
			return err
		}
		same := false
		err = s.Sessions.ChangeUser(ctx, user.ID, func(tx *gorm.DB, now models.User) error {
			if same = now.PasswordHash == user.PasswordHash; !same {
				return nil
			}
			if fresh != "" {
				if err := tx.Model(&now).Update("password_hash", fresh).Error; err != nil {
					return err
				}
			}
			return change(tx, now)
		})
		switch {
		case !same && errors.Is(err, problem.NotFound):
			return check.Gone
		case err != nil || same:
			return err
		}
		// Another login may have hashed the same password anew: verify it again.
	}
}

// verify gives the user whose password it is, and a new hash where the stored
// one is of another cost than today's.
func (s Services) verify(ctx context.Context, check PasswordCheck, wrong error) (user models.User, fresh string, err error) {
	found := check.User(s.Sessions.db.WithContext(ctx)).Limit(1).Find(&user)
	if found.Error != nil {
		return user, "", found.Error
	}
	right, err := s.Passwords.Verify(ctx, user.PasswordHash, check.Password)
	switch {
	case err != nil:
		return user, "", err
	case found.RowsAffected == 0:
		return user, "", check.Gone
	case !right:
		return user, "", wrong
	case s.Passwords.Outdated(user.PasswordHash):
		fresh, err = s.Passwords.Rehash(ctx, check.Password)
	}
	return user, fresh, err
}

// RequireLive is the condition of a change that the current session asks for:
// inside the transaction, the session has not ended. It holds the session's
// row, so that it ends before the change or after it. The error is
// ErrTokenRevoked.
func RequireLive(tx *gorm.DB, userID, sessionID uuid.UUID) error {
	found := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare}).Select("id").
		Limit(1).Find(&models.Session{}, "id = ? AND user_id = ? AND "+models.LiveSession, sessionID, userID, tx.NowFunc())
	if found.Error == nil && found.RowsAffected == 0 {
		return ErrTokenRevoked
	}
	return found.Error
}

// KeepAnAdmin runs a change, inside a transaction, that may take an admin away.
// The error is last_admin where no admin would be left.
func KeepAnAdmin(tx *gorm.DB, change func() error) error {
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
