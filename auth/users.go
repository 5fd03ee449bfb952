package auth

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// maxRemembered bounds the memory that remembered users take, to about 20 MB.
const maxRemembered = 50_000

// Users knows which users may act. It remembers each for at most
// jwt.revocation_lag, so that most requests need no database.
type Users struct {
	db         *gorm.DB
	remembered *otter.Cache[uuid.UUID, models.User] // nil: remember nothing
}

// NewUsers makes Users from settings that config has checked.
func NewUsers(db *gorm.DB, settings config.JWT) *Users {
	users := &Users{db: db}
	if settings.RevocationLag > 0 {
		users.remembered = otter.Must(&otter.Options[uuid.UUID, models.User]{
			MaximumSize:      maxRemembered,
			ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, models.User](settings.RevocationLag),
		})
	}
	return users
}

// Active gives the user of an access token, without the password hash. The
// error is ErrTokenRevoked where the user is deleted or disabled, and
// unavailable where the database cannot be asked.
func (u *Users) Active(ctx context.Context, id uuid.UUID) (user models.User, err error) {
	if u.remembered != nil {
		if user, ok := u.remembered.GetIfPresent(id); ok {
			return user, nil
		}
	}
	err = u.db.WithContext(ctx).Omit("password_hash").Take(&user, "id = ?", id).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return user, ErrTokenRevoked
	case err != nil:
		return user, problem.Unavailable.Because(err)
	case user.Disabled:
		return user, ErrTokenRevoked
	}
	if u.remembered != nil {
		u.remembered.Set(id, user)
	}
	return user, nil
}
