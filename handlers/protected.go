package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/models"
)

// Protected is the shortest protected resource. Copy it to start a new one.
type Protected struct{}

// Caller is the user of a token.
type Caller struct {
	UserID uuid.UUID `json:"user_id"`
}

// Show returns the caller.
func (Protected) Show(_ context.Context, user models.User, _ endpoint.None) (Caller, error) {
	return Caller{UserID: user.ID}, nil
}
