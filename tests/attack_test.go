package tests

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// parsedToken is an access token, to change and sign it again.
type parsedToken struct {
	header, claims map[string]any
	method         jwt.SigningMethod
	key            any
}

func parseToken(t testing.TB, app *apptest.App, bearer []string) parsedToken {
	t.Helper()
	settings := app.Settings.JWT
	taken := parsedToken{method: jwt.GetSigningMethod(settings.Algorithm), key: any(settings.Key.Signer)}
	if settings.Algorithm == token.HS256 {
		taken.key = settings.Secret.Bytes()
	}
	taken.header, taken.claims = kit.DecodeToken(t, strings.TrimPrefix(bearer[1], "Bearer "))
	return taken
}

func encode(part any) string {
	text, _ := json.Marshal(part)
	return base64.RawURLEncoding.EncodeToString(text)
}

func (f parsedToken) sign() string { return f.signText(encode(f.header) + "." + encode(f.claims)) }

func (f parsedToken) signText(text string) string {
	signature, err := f.method.Sign(text, f.key)
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (f parsedToken) claimsText() string {
	text, _ := json.Marshal(f.claims)
	return string(text)
}

// with changes a copy of the token and signs it.
func (f parsedToken) with(change func(*parsedToken)) string {
	f.header, f.claims = maps.Clone(f.header), maps.Clone(f.claims)
	change(&f)
	return f.sign()
}

func (f parsedToken) withHeader(name string, value any) string {
	return f.with(func(f *parsedToken) { f.header[name] = value })
}

func (f parsedToken) withClaim(name string, value any) string {
	return f.with(func(f *parsedToken) { f.claims[name] = value })
}

func (f parsedToken) without(name string) string {
	return f.with(func(f *parsedToken) { delete(f.claims, name); delete(f.header, name) })
}

// badTokens are attacks with changed tokens, each with the code of its error. Every
// protected route is tested with each of them.
func badTokens(good, foreign parsedToken) map[string][2]string {
	now := time.Now()
	parts := strings.Split(good.sign(), ".")
	const invalid, expired = "token_invalid", "token_expired"
	bad := map[string][2]string{
		"expired":                      {good.withClaim("exp", now.Add(-time.Second).Unix()), expired},
		"expired long ago":             {good.withClaim("exp", 1), expired},
		"expired and of another iss":   {good.with(func(f *parsedToken) { f.claims["exp"] = 1; f.claims["iss"] = "other" }), invalid},
		"expired and of another key":   {good.with(func(f *parsedToken) { f.claims["exp"] = 1; f.key = foreign.key }), invalid},
		"no exp":                       {good.without("exp"), invalid},
		"EXP for exp":                  {good.with(func(f *parsedToken) { f.claims["EXP"] = f.claims["exp"]; delete(f.claims, "exp") }), invalid},
		"EXP and an exp in the past":   {good.with(func(f *parsedToken) { f.claims["EXP"] = f.claims["exp"]; f.claims["exp"] = 1 }), expired},
		"Sid for sid":                  {good.with(func(f *parsedToken) { f.claims["Sid"] = f.claims["sid"]; delete(f.claims, "sid") }), invalid},
		"SUB for sub":                  {good.with(func(f *parsedToken) { f.claims["SUB"] = f.claims["sub"]; delete(f.claims, "sub") }), invalid},
		"exp twice":                    {good.signText(encode(good.header) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1,`+good.claimsText()[1:]))), invalid},
		"exp null":                     {good.withClaim("exp", nil), invalid},
		"exp text":                     {good.withClaim("exp", "9999999999"), invalid},
		"exp list":                     {good.withClaim("exp", []int{9999999999}), invalid},
		"exp object":                   {good.withClaim("exp", map[string]int{}), invalid},
		"exp true":                     {good.withClaim("exp", true), invalid},
		"exp negative":                 {good.withClaim("exp", -1), expired},
		"nbf in the future":            {good.withClaim("nbf", now.Add(10*time.Minute).Unix()), invalid},
		"iat in the future":            {good.withClaim("iat", now.Add(10*time.Minute).Unix()), invalid},
		"another iss":                  {good.withClaim("iss", "other"), invalid},
		"no iss":                       {good.without("iss"), invalid},
		"another aud":                  {good.withClaim("aud", "other"), invalid},
		"aud empty":                    {good.withClaim("aud", []string{}), invalid},
		"no aud":                       {good.without("aud"), invalid},
		"no sub":                       {good.without("sub"), invalid},
		"sub empty":                    {good.withClaim("sub", ""), invalid},
		"sub not a UUID":               {good.withClaim("sub", "admin"), invalid},
		"sub a number":                 {good.withClaim("sub", 1), invalid},
		"no sid":                       {good.without("sid"), invalid},
		"sid not a UUID":               {good.withClaim("sid", "x"), invalid},
		"sub of nobody":                {good.withClaim("sub", "01900000-0000-7000-8000-000000000000"), "token_revoked"},
		"no typ":                       {good.without("typ"), invalid},
		"typ JWT":                      {good.withHeader("typ", "JWT"), invalid},
		"typ a list":                   {good.withHeader("typ", []string{"at+jwt"}), invalid},
		"no kid":                       {good.without("kid"), invalid},
		"kid unknown":                  {good.withHeader("kid", "other"), invalid},
		"kid a path":                   {good.withHeader("kid", "../../dev/null"), invalid},
		"kid SQL":                      {good.withHeader("kid", "' OR 1=1 --"), invalid},
		"crit":                         {good.withHeader("crit", []string{"exp"}), invalid},
		"crit empty":                   {good.withHeader("crit", []string{}), invalid},
		"b64 false, critical":          {good.with(func(f *parsedToken) { f.header["b64"] = false; f.header["crit"] = []string{"b64"} }), invalid},
		"of another key":               {good.with(func(f *parsedToken) { f.key = foreign.key }), invalid},
		"of another key, with its kid": {good.with(func(f *parsedToken) { f.key, f.header["kid"] = foreign.key, foreign.header["kid"] }), invalid},
		"its own jwk":                  {good.with(func(f *parsedToken) { f.key, f.header["jwk"] = foreign.key, foreign.jwk() }), invalid},
		"its own jku":                  {good.with(func(f *parsedToken) { f.key, f.header["jku"] = foreign.key, "http://127.0.0.1/jwks.json" }), invalid},
		"its own x5u":                  {good.with(func(f *parsedToken) { f.key, f.header["x5u"] = foreign.key, "http://127.0.0.1/x.pem" }), invalid},
		"alg none":                     {good.withHeader("alg", "none"), invalid},
		"alg none, unsigned":           {encode(map[string]any{"alg": "none", "typ": "at+jwt", "kid": good.header["kid"]}) + "." + parts[1] + ".", invalid},
		"alg None, unsigned":           {encode(map[string]any{"alg": "None", "typ": "at+jwt", "kid": good.header["kid"]}) + "." + parts[1] + ".", invalid},
		"alg of another family":        {good.withHeader("alg", map[bool]string{true: "RS256", false: "HS256"}[good.method.Alg() == "HS256"]), invalid},
		"alg in lower case":            {good.withHeader("alg", strings.ToLower(good.method.Alg())), invalid},
		"alg a number":                 {good.withHeader("alg", 256), invalid},
		"no alg":                       {good.without("alg"), invalid},
		"no signature":                 {parts[0] + "." + parts[1] + ".", invalid},
		"half a signature":             {parts[0] + "." + parts[1] + "." + parts[2][:20], invalid},
		"two parts":                    {parts[0] + "." + parts[1], invalid},
		"four parts":                   {good.sign() + ".x", invalid},
		"five parts":                   {good.sign() + ".x.y", invalid},
		"dots":                         {"..", invalid},
		"padded":                       {good.sign() + "=", invalid},
		"unused bits set at the end":   {kit.SetUnusedBit(good.sign()), invalid},
		"with a space inside":          {parts[0] + ". " + parts[1] + "." + parts[2], invalid},
		"standard base64 letters":      {good.signText(encode(good.header) + "." + base64.StdEncoding.EncodeToString([]byte(`{"sub":"???>>>"}`))), invalid},
		"claims not an object":         {good.signText(encode(good.header) + "." + encode([]int{1})), invalid},
		"claims not JSON":              {good.signText(encode(good.header) + ".e30x"), invalid},
		"header not an object":         {good.signText(encode("at+jwt") + "." + parts[1]), invalid},
		"over 8 KiB, validly signed":   {good.withClaim("pad", strings.Repeat("x", 8<<10)), invalid},
	}
	maps.Copy(bad, confusedTokens(good))
	for i, part := range []string{"header", "claims", "signature"} {
		flipped := append([]string(nil), parts...)
		flipped[i] = kit.Flip(parts[i])
		bad["a letter changed in the "+part] = [2]string{strings.Join(flipped, "."), invalid}
	}
	return bad
}

// confusedTokens are signed with something that is not a key of the algorithm.
func confusedTokens(good parsedToken) map[string][2]string {
	bad := map[string][2]string{}
	hmac := func(claim string, method jwt.SigningMethod, key []byte) {
		bad[claim] = [2]string{good.with(func(f *parsedToken) { f.header["alg"], f.method, f.key = method.Alg(), method, key }), "token_invalid"}
	}
	private, asymmetric := good.key.(crypto.Signer)
	if !asymmetric {
		secret := good.key.([]byte)
		hmac("alg HS512 of the same key", jwt.SigningMethodHS512, secret)
		hmac("signed with an empty key", jwt.SigningMethodHS256, nil)
		hmac("signed with an extra newline", jwt.SigningMethodHS256, append([]byte(string(secret)), '\n'))
		return bad
	}
	der, _ := x509.MarshalPKIXPublicKey(private.Public())
	jwk, _ := good.jwk().MarshalJSON()
	hmac("the public key's DER as an HS256 secret", jwt.SigningMethodHS256, der)
	hmac("the public key's PEM as an HS256 secret", jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	hmac("the public key's JWK as an HS256 secret", jwt.SigningMethodHS256, jwk)
	hmac("an empty HS256 secret", jwt.SigningMethodHS256, nil)
	if key, ok := private.(*rsa.PrivateKey); ok {
		for _, method := range []jwt.SigningMethod{jwt.SigningMethodRS512, jwt.SigningMethodPS256} {
			bad["alg "+method.Alg()+" of the same key"] = [2]string{good.with(func(f *parsedToken) { f.header["alg"], f.method, f.key = method.Alg(), method, key }), "token_invalid"}
		}
	}
	return bad
}

// jwk is the public key of the token, if it has one.
func (f parsedToken) jwk() jose.JSONWebKey {
	if private, ok := f.key.(crypto.Signer); ok {
		return jose.JSONWebKey{Key: private.Public()}
	}
	return jose.JSONWebKey{Key: f.key}
}

// algorithms are the signing algorithms to test. On PostgreSQL one is enough,
// because they do not use the database.
func algorithms() []string {
	if kit.OnPostgreSQL() {
		return []string{token.HS256}
	}
	return []string{token.HS256, token.EdDSA, token.ES256, token.RS256}
}

// signing is a change for apptest.New.
func signing(t testing.TB, algorithm string) func(*config.Settings) {
	if algorithm == token.HS256 {
		return func(*config.Settings) {}
	}
	return apptest.Signing(t, algorithm)
}

// deadTokens are tokens that were valid before.
func deadTokens(t testing.TB, app *apptest.App) map[string][2]string {
	dead := map[string][2]string{}
	for claim, end := range map[string]func(bearer []string, email string){
		"of an ended session": func(bearer []string, _ string) { app.Post("/logout", "", bearer...).Want(t, 204, "") },
		"of an expired session": func(_ []string, email string) {
			app.DB.Model(&models.Session{}).Where("user_id = ?", app.User(email).ID).Update("expires_at", time.Now().UTC())
		},
		"of a deleted session": func(_ []string, email string) {
			app.DB.Where("user_id = ?", app.User(email).ID).Delete(&models.Session{})
		},
		"of a disabled user": func(_ []string, email string) { app.DB.Model(app.User(email)).Update("disabled", true) },
		"of a deleted user":  func(_ []string, email string) { app.DB.Delete(app.User(email)) },
	} {
		email := strings.ReplaceAll(claim, " ", "-") + "@example.com"
		app.Register(email)
		bearer := app.Login(email)
		end(bearer, email)
		dead[claim] = [2]string{bearer[1][len("Bearer "):], "token_revoked"}
	}
	return dead
}

// attackedApp is an app, the header of a valid token, and all bad tokens.
func attackedApp(t testing.TB, algorithm string) (app *apptest.App, bearer []string, bad map[string][2]string) {
	t.Helper()
	cacheForAnHour := func(s *config.Settings) { s.JWT.RevocationLag = time.Hour }
	app = apptest.New(t, signing(t, algorithm), cacheForAnHour)
	other := apptest.New(t, signing(t, algorithm), func(s *config.Settings) {
		if algorithm != token.HS256 {
			s.JWT.Key = apptest.NewKey(t, algorithm)
		}
	})
	app.Register("ada@example.com")
	other.Register("ada@example.com")
	bearer, refresh := app.Session("ada@example.com")
	app.Get("/protected", bearer...).Want(t, 200, "") // cached, which must not weaken the checks
	bad = badTokens(parseToken(t, app, bearer), parseToken(t, other, other.Login("ada@example.com")))
	maps.Copy(bad, deadTokens(t, app))
	bad["a refresh token"] = [2]string{refresh, "token_invalid"}
	return app, bearer, bad
}

func TestEveryProtectedRouteRefusesEveryBadToken(t *testing.T) {
	for _, algorithm := range algorithms() {
		app, bearer, bad := attackedApp(t, algorithm)
		kit.WantRefused(t, app.App, algorithm, bad)
		app.Get("/protected", bearer...).Want(t, 200, "")
	}
}

func TestValidTokensOfEveryFormAreAccepted(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	good := parseToken(t, app, app.Login("ada@example.com"))
	for claim, accepted := range map[string]string{
		"as issued":           good.sign(),
		"the long media type": good.withHeader("typ", "application/at+jwt"),
		"aud one string":      good.withClaim("aud", "latchkey"),
		"aud one of many":     good.withClaim("aud", []string{"other", "latchkey"}),
		"no nbf, iat or jti":  good.with(func(f *parsedToken) { delete(f.claims, "nbf"); delete(f.claims, "iat"); delete(f.claims, "jti") }),
	} {
		t.Run(claim, func(t *testing.T) { app.Get("/protected", kit.Bearer(accepted)...).Want(t, 200, "") })
	}
}

func TestAnAccessTokenHasTheClaimsOfTheContract(t *testing.T) {
	for _, algorithm := range algorithms() {
		app := apptest.New(t, signing(t, algorithm))
		app.Register("ada@example.com")
		issued := parseToken(t, app, app.Login("ada@example.com"))
		for _, name := range []string{"iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "sid"} {
			if issued.claims[name] == nil {
				t.Errorf("no %s in %v", name, issued.claims)
			}
		}
		if issued.header["typ"] != "at+jwt" || issued.header["alg"] != algorithm || issued.header["kid"] == nil {
			t.Errorf("header %v", issued.header)
		}
		if life := issued.claims["exp"].(float64) - issued.claims["iat"].(float64); life != 900 {
			t.Errorf("lives %v s, want 900", life)
		}
	}
}
