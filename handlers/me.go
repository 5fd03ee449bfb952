package handlers

import (
	"context"

	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
)

// Me is the current user's own account.
type Me struct{}

// Show gives the current user.
func (Me) Show(_ context.Context, user models.User, _ endpoint.None) (models.User, error) {
	return user, nil
}
