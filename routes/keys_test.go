package routes_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/token"
)

// keySet reads the public keys as another service does.
func keySet(t *testing.T, app *apptest.App) (keys jose.JSONWebKeySet) {
	t.Helper()
	answer := app.Get("/.well-known/jwks.json").Want(t, 200, "")
	if answer.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Error(answer.Header)
	}
	if err := json.Unmarshal([]byte(answer.Body), &keys); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(answer.Body, `"d"`) || !strings.Contains(answer.Body, `"keys":[`) {
		t.Error(answer.Body)
	}
	return keys
}

func TestOtherServicesVerifyAccessTokensWithThePublicKeys(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for _, algorithm := range []string{token.EdDSA, token.ES256, token.RS256} {
		app := apptest.New(t, apptest.Signing(t, algorithm))
		app.Register("ada@example.com")
		signed, err := josejwt.ParseSigned(app.Login("ada@example.com")[1][len("Bearer "):], []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		keys := keySet(t, app)
		var claims josejwt.Claims
		if err := signed.Claims(keys.Key(signed.Headers[0].KeyID)[0], &claims); err != nil || claims.Issuer != "latchkey" || claims.Subject != app.User("ada@example.com").ID.String() {
			t.Error(algorithm, err, claims)
		}
		key := keys.Keys[0]
		thumbprint, err := key.Thumbprint(crypto.SHA256) // RFC 7638
		if err != nil || len(keys.Keys) != 1 || key.Algorithm != algorithm || key.Use != "sig" || key.KeyID != base64.RawURLEncoding.EncodeToString(thumbprint) {
			t.Errorf("%s: %+v, %v", algorithm, keys, err)
		}
	}
	if keys := keySet(t, apptest.New(t)); len(keys.Keys) != 0 {
		t.Error("a secret is shown:", keys)
	}
}

// The steps of docs/sessions.md: the new key signs, and the old key verifies until its
// tokens expire.
func TestAKeyRotationLogsNobodyOut(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for _, algorithm := range []string{token.EdDSA, token.ES256, token.RS256} {
		app, bearer, refresh := apptest.SignedIn(t, apptest.Signing(t, algorithm))
		old, fresh := app.Settings.JWT.Key, apptest.NewKey(t, algorithm)
		during := apptest.New(t, func(s *config.Settings) {
			*s = app.Settings
			s.JWT.Key = fresh
			s.JWT.PreviousKeys = append(s.JWT.PreviousKeys, old.Public())
		})
		during.Get("/protected", bearer...).Want(t, 200, "")
		pair := during.Refresh(refresh).Want(t, 200, "")
		next := kit.Bearer(pair.Field("access_token"))
		during.Get("/protected", next...).Want(t, 200, "")
		app.Get("/protected", next...).Want(t, 401, "token_invalid") // signed with the new one
		if keys := keySet(t, during).Keys; len(keys) != 2 || keys[0].KeyID != keyOf(t, next) || keys[1].KeyID != keySet(t, app).Keys[0].KeyID {
			t.Errorf("the keys are %+v", keys)
		}
		after := apptest.New(t, func(s *config.Settings) { *s = app.Settings; s.JWT.Key = fresh })
		after.Get("/protected", bearer...).Want(t, 401, "token_invalid")
		after.Get("/protected", next...).Want(t, 200, "")
		after.Refresh(pair.Field("refresh_token")).Want(t, 200, "")
	}
}

// keyOf is the id of the key that has signed an access token.
func keyOf(t *testing.T, bearer []string) any {
	t.Helper()
	header, _ := kit.DecodeToken(t, strings.TrimPrefix(bearer[1], "Bearer "))
	return header["kid"]
}
