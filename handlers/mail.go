package handlers

import (
	"context"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Mail sends links, and takes what they lead to.
type Mail struct {
	Accounts accounts.Accounts
	Mails    accounts.Mails
}

// ForgottenPassword is the email of an account whose password is forgotten.
type ForgottenPassword struct {
	Email models.Email `json:"email" binding:"required,email,max=254"`
}

// PasswordReset is the token of a link, and a new password.
type PasswordReset struct {
	Token    string            `json:"token" binding:"required"`
	Password password.Password `json:"password" binding:"required"`
}

// EmailVerification is the token of a link.
type EmailVerification struct {
	Token string `json:"token" binding:"required"`
}

// Forgot sends a link to choose a new password. The answer is the same for an email
// without an account.
func (m Mail) Forgot(ctx context.Context, in ForgottenPassword) (endpoint.None, error) {
	if err := m.Accounts.Auth.Throttle.Request(m.Accounts.DB.WithContext(ctx)); err != nil {
		return endpoint.None{}, err
	}
	return endpoint.None{}, m.Mails.Forgot(ctx, in.Email)
}

// CheckReset returns the rules that the new password breaks. Reset checks those about the
// email, which only a valid token tells.
func (m Mail) CheckReset(_ context.Context, in PasswordReset) []problem.FieldError {
	return m.Accounts.CheckPassword("password", in.Password, "")
}

// Reset sets the password that the user of a link has chosen.
func (m Mail) Reset(ctx context.Context, in PasswordReset) (endpoint.None, error) {
	return endpoint.None{}, m.Mails.Reset(ctx, m.Accounts, in.Token, in.Password)
}

// Verify marks the email of the user of a link as verified.
func (m Mail) Verify(ctx context.Context, in EmailVerification) (endpoint.None, error) {
	return endpoint.None{}, m.Mails.Verify(ctx, m.Accounts, in.Token)
}

// SendVerification sends the link to verify the email once more.
func (m Mail) SendVerification(ctx context.Context, login accounts.Login, _ endpoint.None) (endpoint.None, error) {
	if err := m.Accounts.Auth.Throttle.Request(m.Accounts.DB.WithContext(ctx)); err != nil {
		return endpoint.None{}, err
	}
	return endpoint.None{}, m.Mails.Verification(ctx, login)
}
