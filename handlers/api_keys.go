package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// APIKeys are the current user's API keys.
type APIKeys struct {
	Accounts accounts.Accounts
}

// APIKeyID is the id of an API key in the path.
type APIKeyID struct {
	ID uuid.UUID `path:"id"`
}

// CreatedAPIKey is a new API key with its text, which is shown only here.
type CreatedAPIKey struct {
	models.APIKey
	Key string `json:"key"`
}

// Index lists the keys.
func (k APIKeys) Index(ctx context.Context, login accounts.Login, page rows.Page) (rows.List[models.APIKey], error) {
	return rows.Read[models.APIKey](k.Accounts.DB.WithContext(ctx).Where("user_id = ?", login.User.ID), page)
}

// Create makes a key.
func (k APIKeys) Create(ctx context.Context, login accounts.Login, in accounts.NewKey) (CreatedAPIKey, error) {
	row, key, err := k.Accounts.CreateKey(ctx, login, in)
	return CreatedAPIKey{row, key}, err
}

// Delete deletes a key.
func (k APIKeys) Delete(ctx context.Context, login accounts.Login, in APIKeyID) (endpoint.None, error) {
	return endpoint.None{}, k.Accounts.DeleteKey(ctx, login.User.ID, in.ID)
}
