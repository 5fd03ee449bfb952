package handlers

import (
	"context"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Me is the current user's own account.
type Me struct {
	Accounts accounts.Accounts
}

// NewEmail changes the email of an account.
type NewEmail struct {
	Email models.Email `json:"email" binding:"required,email,max=254"`
	accounts.Confirmation
}

// NewPassword replaces a password.
type NewPassword struct {
	NewPassword password.Password `json:"new_password" binding:"required" example:"purple horse"`
	accounts.Confirmation
}

// Show returns the current user.
func (Me) Show(_ context.Context, user models.User, _ endpoint.None) (models.User, error) {
	return user, nil
}

// Update changes the fields that need no password.
func (m Me) Update(ctx context.Context, _ models.User, in accounts.Profile) (models.User, error) {
	return m.Accounts.ChangeProfile(ctx, in)
}

// ChangeEmail changes the email.
func (m Me) ChangeEmail(ctx context.Context, login accounts.Login, in NewEmail) (models.User, error) {
	return m.Accounts.ChangeEmail(ctx, login, in.Confirmation, in.Email)
}

// CheckNewPassword returns the rules that a new password breaks.
func (m Me) CheckNewPassword(ctx context.Context, in NewPassword) []problem.FieldError {
	user, _ := accounts.UserFrom(ctx)
	return m.Accounts.CheckPassword("new_password", in.NewPassword, user.Email)
}

// Delete deletes the account.
func (m Me) Delete(ctx context.Context, login accounts.Login, in accounts.Confirmation) (endpoint.None, error) {
	return endpoint.None{}, m.Accounts.Delete(ctx, login, in)
}

// ChangePassword replaces the password and ends all other sessions.
func (m Me) ChangePassword(ctx context.Context, login accounts.Login, in NewPassword) (endpoint.None, error) {
	return endpoint.None{}, m.Accounts.ChangePassword(ctx, login, in.Confirmation, in.NewPassword)
}
