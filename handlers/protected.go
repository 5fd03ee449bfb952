package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
)

// Protected is the shortest protected resource, the one to copy.
type Protected struct{}

// Caller is whom a token belongs to.
type Caller struct {
	UserID uuid.UUID `json:"user_id"`
}

// Show says who calls.
func (Protected) Show(_ context.Context, user models.User, _ endpoint.None) (Caller, error) {
	return Caller{UserID: user.ID}, nil
}
