package oidc

import (
	"testing"

	"github.com/go-json-experiment/json"
)

func TestWhatSomeProvidersSayOfAnEmail(t *testing.T) {
	const own, cognito, apple = "https://id.example.com", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x", "https://appleid.apple.com"
	for claim, c := range map[string]struct {
		issuer, claims string
		proved         bool
	}{
		"true":                               {own, `{"email":"ada@example.com","email_verified":true}`, true},
		"true as a text":                     {own, `{"email":"ada@example.com","email_verified":"true"}`, false},
		"true as a text of Apple":            {apple, `{"email":"ada@example.com","email_verified":"true"}`, true},
		"true as a text of Cognito":          {cognito, `{"email":"ada@example.com","email_verified":"true"}`, true},
		"false as a text of Apple":           {apple, `{"email":"ada@example.com","email_verified":"false"}`, false},
		"a text of another Apple":            {apple + ".example.com", `{"email":"ada@example.com","email_verified":"true"}`, false},
		"Gmail":                              {google, `{"email":"Ada@Gmail.com","email_verified":true}`, true},
		"an organization that Google hosts":  {google, `{"email":"ada@example.com","email_verified":true,"hd":"example.com"}`, true},
		"another address at Google":          {google, `{"email":"ada@example.com","email_verified":true}`, false},
		"another address at Google, null hd": {google, `{"email":"ada@example.com","email_verified":true,"hd":null}`, false},
		"an address that ends as Gmail":      {google, `{"email":"ada@notgmail.com","email_verified":true}`, false},
		"a domain with other letters":        {own, `{"email":"ada@bücher.example","email_verified":true}`, true},
		"an a that is not the usual one":     {own, `{"email":"ａda@example.com","email_verified":true}`, false},
		"a K that is the sign of Kelvin":     {own, `{"email":"\u212Aay@example.com","email_verified":true}`, false},
	} {
		var said claims
		if err := json.Unmarshal([]byte(c.claims), &said); err != nil {
			t.Fatal(err)
		}
		for _, trusted := range []bool{true, false} {
			p := New("p", Settings{Issuer: c.issuer, TrustEmail: trusted})
			if got := p.user(said); got.Email == "" || got.Verified != (c.proved && trusted) {
				t.Errorf("%s, trusted %t: %+v", claim, trusted, got)
			}
		}
	}
}
