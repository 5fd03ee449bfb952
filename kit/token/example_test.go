package token_test

import (
	"errors"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
)

// A login issues an access token, and each request verifies it.
func Example() {
	s := token.Defaults()
	s.Issuer, s.Audience, s.Secret = "hello", "hello", settings.NewSecret()
	tokens := token.New(s)

	ada := uuid.Must(uuid.NewV7())
	text, err := tokens.Issue(token.Claims{Subject: ada, More: map[string]any{"role": "admin"}})
	fmt.Println(err)
	claims, err := tokens.Verify(text)
	fmt.Println(claims.Subject == ada, claims.More["role"], err)
	_, err = token.New(s).Verify(text + "x")
	fmt.Println(errors.Is(err, token.ErrInvalid))
	// Output:
	// <nil>
	// true admin <nil>
	// true
}
