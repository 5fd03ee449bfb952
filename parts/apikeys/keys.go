package apikeys

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// The kinds of events.
const (
	created accounts.Kind = "key_created"
	deleted accounts.Kind = "key_deleted"
)

// errTooMany is the answer to a new API key of a user who has 50 already.
var errTooMany = &problem.Problem{Status: 409, Code: "too_many_keys", Detail: "This account has the most API keys that are allowed"}

// maxKeys is how many API keys a user can have.
const maxKeys = 50

// NewKey is the input for an API key. Without ExpiresAt it does not expire. It is
// confirmed, because a key outlives its login.
type NewKey struct {
	accounts.Confirmation
	Name      string     `json:"name" binding:"required,max=100"`
	Scope     Scope      `json:"scope" binding:"required,oneof=read full"`
	ExpiresAt *time.Time `json:"expires_at" binding:"omitempty,gt"`
}

// APIKeyID is the id of an API key in the path.
type APIKeyID struct {
	ID uuid.UUID `path:"id"`
}

// CreatedAPIKey is a new API key with its text, which is shown only here.
type CreatedAPIKey struct {
	APIKey
	Key string `json:"key"`
}

// APIKeys are the current user's API keys.
type APIKeys struct {
	accounts accounts.Accounts
}

// Index lists the keys.
func (k APIKeys) Index(ctx context.Context, login accounts.Login, page rows.Page) (rows.List[APIKey], error) {
	return rows.Read[APIKey](k.accounts.DB.WithContext(ctx).Where("user_id = ?", login.User.ID), page)
}

// Create makes a key, whose text is stored nowhere. It deletes the user's expired keys. The
// error is one of Accounts.Confirm, or too_many_keys.
func (k APIKeys) Create(ctx context.Context, login accounts.Login, in NewKey) (made CreatedAPIKey, err error) {
	key, hash := newKey()
	err = k.accounts.Confirm(ctx, login, in.Confirmation, nil, func(tx *gorm.DB, user models.User) error {
		if err := tx.Delete(&APIKey{}, "user_id = ? AND expires_at <= ?", user.ID, tx.NowFunc()).Error; err != nil {
			return err
		}
		var others int64
		if err := tx.Model(&APIKey{}).Where("user_id = ?", user.ID).Count(&others).Error; err != nil {
			return err
		}
		if others >= maxKeys {
			return errTooMany
		}
		row := APIKey{UserID: user.ID, Name: in.Name, Scope: in.Scope, Hash: hash, ExpiresAt: in.ExpiresAt}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		made = CreatedAPIKey{row, key}
		return k.accounts.Tell(tx, accounts.Event{Kind: created, User: user, Details: details(row)})
	})
	return made, err
}

// Delete deletes a key, which then works nowhere. The error is not_found.
func (k APIKeys) Delete(ctx context.Context, login accounts.Login, in APIKeyID) (endpoint.None, error) {
	return endpoint.None{}, k.accounts.WithUser(ctx, login.User.ID, func(tx *gorm.DB, user models.User) error {
		var row APIKey
		found := tx.Limit(1).Find(&row, "id = ? AND user_id = ?", in.ID, user.ID)
		if found.Error != nil {
			return found.Error
		}
		if found.RowsAffected == 0 {
			return problem.NotFound
		}
		if err := tx.Delete(&row).Error; err != nil {
			return err
		}
		return k.accounts.Tell(tx, accounts.Event{Kind: deleted, User: user, Details: details(row)})
	})
}

// endAll is a hook. When a link is used to choose a new password, it deletes the API
// keys of the user, which somebody else may have made, and adds their names to the event.
func endAll(tx *gorm.DB, event accounts.Event) error {
	if event.Kind != accounts.PasswordReset {
		return nil
	}
	var keys []APIKey
	err := tx.Clauses(clause.Returning{Columns: []clause.Column{{Name: "name"}}}).Delete(&keys, "user_id = ?", event.User.ID).Error
	names := []string{}
	for _, key := range keys {
		names = append(names, key.Name)
	}
	event.Details["keys"] = names
	return err
}

func details(row APIKey) map[string]any {
	return map[string]any{"key_id": row.ID, "name": row.Name, "scope": row.Scope}
}
