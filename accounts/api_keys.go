package accounts

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// The events of API keys.
const (
	KeyCreated Kind = "key_created"
	KeyDeleted Kind = "key_deleted"
)

// ErrTooManyKeys is the answer to a new API key of a user who has 50 already.
var ErrTooManyKeys = &problem.Problem{Status: 409, Code: "too_many_keys", Detail: "This account has the most API keys that are allowed"}

// maxKeys is how many API keys a user can have.
const maxKeys = 50

// NewKey is the input for an API key. Without ExpiresAt it does not expire. It is
// confirmed, because a key outlives its login.
type NewKey struct {
	Confirmation
	Name      string          `json:"name" binding:"required,max=100"`
	Scope     models.KeyScope `json:"scope" binding:"required,oneof=read full"`
	ExpiresAt *time.Time      `json:"expires_at" binding:"omitempty,gt"`
}

// CreateKey creates an API key of a logged-in user, and returns its row and its text,
// which is stored nowhere. It deletes the user's expired keys. The error is one of
// Confirm, or too_many_keys.
func (a Accounts) CreateKey(ctx context.Context, login Login, in NewKey) (row models.APIKey, key string, err error) {
	key, hash := NewAPIKey()
	err = a.Confirm(ctx, login, in.Confirmation, nil, func(tx *gorm.DB, user models.User) error {
		if err := tx.Delete(&models.APIKey{}, "user_id = ? AND expires_at <= ?", user.ID, tx.NowFunc()).Error; err != nil {
			return err
		}
		var others int64
		if err := tx.Model(&models.APIKey{}).Where("user_id = ?", user.ID).Count(&others).Error; err != nil {
			return err
		}
		if others >= maxKeys {
			return ErrTooManyKeys
		}
		row = models.APIKey{UserID: user.ID, Name: in.Name, Scope: in.Scope, Hash: hash, ExpiresAt: in.ExpiresAt}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return a.call(tx, Event{Kind: KeyCreated, User: user, Details: keyDetails(row)})
	})
	return row, key, err
}

// DeleteKey deletes an API key of a user, which then works nowhere. The error is
// not_found.
func (a Accounts) DeleteKey(ctx context.Context, userID, id uuid.UUID) error {
	return a.change(ctx, userID, func(tx *gorm.DB, user models.User) error {
		var row models.APIKey
		found := tx.Limit(1).Find(&row, "id = ? AND user_id = ?", id, user.ID)
		if found.Error != nil {
			return found.Error
		}
		if found.RowsAffected == 0 {
			return problem.NotFound
		}
		if err := tx.Delete(&row).Error; err != nil {
			return err
		}
		return a.call(tx, Event{Kind: KeyDeleted, User: user, Details: keyDetails(row)})
	})
}

// EndKeys is a hook. When a link is used to choose a new password, it deletes the API
// keys of the user, which somebody else may have made, and adds their names to the event.
func EndKeys(tx *gorm.DB, event Event) error {
	if event.Kind != PasswordReset {
		return nil
	}
	var keys []models.APIKey
	err := tx.Clauses(clause.Returning{Columns: []clause.Column{{Name: "name"}}}).Delete(&keys, "user_id = ?", event.User.ID).Error
	names := []string{}
	for _, key := range keys {
		names = append(names, key.Name)
	}
	event.Details["keys"] = names
	return err
}

func keyDetails(row models.APIKey) map[string]any {
	return map[string]any{"key_id": row.ID, "name": row.Name, "scope": row.Scope}
}
