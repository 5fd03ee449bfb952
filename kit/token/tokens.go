// Package token issues and verifies access tokens: JWTs (RFC 7519, RFC 9068).
package token

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/gofrs/uuid/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"example.com/latchkey/kit/problem"
)

// The errors of a request that is not authenticated; check them with errors.Is.
var (
	ErrMissing = &problem.Problem{Status: 401, Code: "token_missing", Detail: "Not authenticated"}
	ErrExpired = &problem.Problem{Status: 401, Code: "token_expired", Detail: "Token expired", Challenge: "invalid_token"}
	ErrInvalid = &problem.Problem{Status: 401, Code: "token_invalid", Detail: "Invalid token", Challenge: "invalid_token"}
	ErrRevoked = &problem.Problem{Status: 401, Code: "token_revoked", Detail: "Token revoked", Challenge: "invalid_token"}
)

// accessType is the media type of RFC 9068, section 2.1, which may begin application/.
const accessType = "at+jwt"

// maxToken, in bytes, limits what is parsed before the signature is verified.
const maxToken = 8 << 10

// leeway, in seconds, is how far the clock of the replica that issued a token may be
// ahead of this one.
const leeway = 5

// Claims are the claims of an access token that are used (RFC 9068).
type Claims struct {
	Subject uuid.UUID      // sub
	Session uuid.UUID      // sid
	More    map[string]any // claims of the program itself

	expires float64 // exp, in seconds since 1970
}

// payload holds the claims as in the token. Its times hide those of
// RegisteredClaims, which would accept a number in quotes.
type payload struct {
	jwt.RegisteredClaims
	SessionID string   `json:"sid"`
	ClientID  string   `json:"client_id"` // RFC 9068, section 2.2
	ExpiresAt *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf,omitempty"`
	IssuedAt  *float64 `json:"iat,omitempty"`

	More map[string]any `json:",embed"`
}

// exact is a payload without its methods.
type exact payload

// MarshalJSON writes the claims of More beside the others.
func (p payload) MarshalJSON() ([]byte, error) {
	return json.Marshal(exact(p), json.Deterministic(true))
}

// UnmarshalJSON matches claim names exactly and refuses duplicates (RFC 7519, section
// 4; RFC 7515, section 4). encoding/json does neither.
func (p *payload) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, (*exact)(p))
}

// Tokens issues and verifies access tokens: JWTs (RFC 7519) of one algorithm.
type Tokens struct {
	settings Settings
	keys     keys
	parser   *jwt.Parser
	// verified caches the claims of valid tokens by their hash, because a client sends the
	// same one many times. Only exp is checked again. Issue adds its tokens.
	verified cache
}

// cache is the part of otter.Cache that is used here. With otter's own type in a struct,
// its generic code would be compiled again in every package that imports this one.
type cache interface {
	GetIfPresent([sha256.Size]byte) (Claims, bool)
	Set([sha256.Size]byte, Claims) (Claims, bool)
}

// New makes Tokens from settings that Check accepts.
func New(s Settings) *Tokens {
	return &Tokens{
		settings: s,
		keys:     newKeys(s),
		verified: otter.Must(&otter.Options[[sha256.Size]byte, Claims]{MaximumSize: s.MaxRemembered}),
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{s.Algorithm}),
			jwt.WithStrictDecoding(),
			// golang-jwt would report a token of another issuer as expired. Here exp
			// is checked last.
			jwt.WithoutClaimsValidation(),
		),
	}
}

// PublicKeys returns the keys with which others verify access tokens (RFC 7517), the
// current key first. It contains no secrets.
func (t *Tokens) PublicKeys() jose.JSONWebKeySet { return t.keys.public }

// TTL returns the lifetime of an access token.
func (t *Tokens) TTL() time.Duration { return t.settings.AccessTTL }

// Issue makes an access token with claims, which nobody may change later.
func (t *Tokens) Issue(claims Claims) (string, error) {
	id, err := uuid.NewV4()
	if err != nil {
		return "", err
	}
	issued := float64(time.Now().Unix())
	expires := issued + t.settings.AccessTTL.Seconds()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(t.settings.Algorithm), payload{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:   t.settings.Issuer,
			Subject:  claims.Subject.String(),
			Audience: jwt.ClaimStrings{t.settings.Audience},
			ID:       id.String(),
		},
		SessionID: claims.Session.String(),
		ClientID:  t.settings.Audience, // a user who logs in has no other client
		ExpiresAt: &expires,
		NotBefore: &issued,
		IssuedAt:  &issued,
		More:      claims.More,
	})
	token.Header["typ"], token.Header["kid"] = accessType, t.keys.current
	signed, err := token.SignedString(t.keys.signing)
	if err == nil {
		claims.expires = expires
		t.verified.Set(sha256.Sum256([]byte(signed)), claims)
	}
	return signed, err
}

// Verify checks an access token and returns its claims. The error is ErrExpired
// for a token that is valid except for its age, and ErrInvalid for any other
// fault.
func (t *Tokens) Verify(token string) (Claims, error) {
	now := float64(time.Now().UnixNano()) / float64(time.Second)
	hash := sha256.Sum256([]byte(token))
	claims, cached := t.verified.GetIfPresent(hash)
	if !cached {
		var err error
		if claims, err = t.parse(token, now); err != nil {
			return Claims{}, ErrInvalid
		}
		t.verified.Set(hash, claims)
	}
	if now >= claims.expires {
		return Claims{}, ErrExpired
	}
	return claims, nil
}

// parse checks everything except exp.
func (t *Tokens) parse(token string, now float64) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, ErrInvalid
	}
	var p payload
	if _, err := t.parser.ParseWithClaims(token, &p, t.keyFor); err != nil {
		return Claims{}, err
	}
	subject, subErr := uuid.FromString(p.Subject)
	session, sidErr := uuid.FromString(p.SessionID)
	if subErr != nil || sidErr != nil ||
		p.Issuer != t.settings.Issuer ||
		!slices.Contains(p.Audience, t.settings.Audience) ||
		p.NotBefore != nil && now+leeway < *p.NotBefore ||
		p.IssuedAt != nil && now+leeway < *p.IssuedAt ||
		p.ExpiresAt == nil {
		return Claims{}, ErrInvalid
	}
	return Claims{Subject: subject, Session: session, More: p.More, expires: *p.ExpiresAt}, nil
}

// keyFor checks the header, because golang-jwt checks only alg. This service has no
// extensions, so it refuses any crit (RFC 7515, section 4.1.11).
func (t *Tokens) keyFor(token *jwt.Token) (any, error) {
	typ, _ := token.Header["typ"].(string)
	kid, _ := token.Header["kid"].(string)
	_, critical := token.Header["crit"]
	key, known := t.keys.verify[kid]
	if critical || !known || strings.TrimPrefix(typ, "application/") != accessType {
		return nil, ErrInvalid
	}
	return key, nil
}
