package handlers

import (
	"context"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/totp"
)

// TOTP is the current user's one-time codes.
type TOTP struct {
	Accounts accounts.Accounts
	Codes    accounts.TOTP
}

// TOTPSecret is a secret for an authenticator app, also as the URL of a QR code.
type TOTPSecret struct {
	Secret string `json:"secret"`
	URL    string `json:"url"`
}

// FirstCode confirms that an app makes the codes of a secret.
type FirstCode struct {
	OTP totp.Code `json:"otp" binding:"required"`
}

// RecoveryCodes are each good for one login without the app. They are shown only here.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes"`
}

// SetUp makes a secret.
func (t TOTP) SetUp(ctx context.Context, login accounts.Login, in accounts.Confirmation) (TOTPSecret, error) {
	secret, url, err := t.Codes.SetUp(ctx, t.Accounts, login, in)
	return TOTPSecret{secret.Text(), url}, err
}

// Confirm turns codes on.
func (t TOTP) Confirm(ctx context.Context, login accounts.Login, in FirstCode) (RecoveryCodes, error) {
	recovery, err := t.Codes.Confirm(ctx, t.Accounts, login, in.OTP)
	return RecoveryCodes{recovery}, err
}

// TurnOff turns codes off.
func (t TOTP) TurnOff(ctx context.Context, login accounts.Login, in accounts.Confirmation) (endpoint.None, error) {
	return endpoint.None{}, t.Codes.TurnOff(ctx, t.Accounts, login, in)
}
