package handlers

import (
	"context"

	"github.com/go-jose/go-jose/v4"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
)

// JWKS has the keys with which other services verify access tokens (RFC 7517).
type JWKS struct {
	Auth accounts.Services
}

// Show returns the public keys.
func (j JWKS) Show(ctx context.Context, _ endpoint.None) (jose.JSONWebKeySet, error) {
	endpoint.Context(ctx).Header("Cache-Control", "public, max-age=300")
	return j.Auth.Tokens.PublicKeys(), nil
}
