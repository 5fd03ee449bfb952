package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"
)

// JSON is an object of JSON.
type JSON = map[string]any

// Missing as the value of a member takes the member away.
type Missing struct{}

// user is who logs in at a provider.
var user = JSON{"sub": "248289761001", "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace"}

// Forgery is what a provider answers instead of the honest answer. The members of each
// object replace the honest ones of the same name.
type Forgery struct {
	User      JSON // claims of the user, in the ID token and in UserInfo
	IDToken   JSON // claims of the ID token
	UserInfo  JSON // claims of UserInfo
	Discovery JSON // members of the discovery document
	Callback  JSON // parameters with which the browser comes back, each a string
	Token     JSON // members of the answer to a code

	// Sign makes an ID token of its claims: one of the methods of a provider.
	Sign func(claims []byte) string

	// Answer answers requests to an endpoint: Status, Redirect, Hold or Flood. Where it
	// returns false, the provider answers.
	Answer map[Endpoint]func(http.ResponseWriter, *http.Request) (answered bool)
}

// with is a copy of an object with the members of others.
func with(object JSON, others ...JSON) JSON {
	object = maps.Clone(object)
	for _, other := range others {
		maps.Copy(object, other)
	}
	maps.DeleteFunc(object, func(_ string, value any) bool { return value == Missing{} })
	return object
}

// Status answers with a status.
func Status(status int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, http.StatusText(status), status)
		return true
	}
}

// Redirect sends the client to another address, with the same method and body.
func Redirect(to string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		return true
	}
}

// Hold keeps a request waiting until a channel is closed or the client gives up.
func Hold(until <-chan struct{}) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-until:
		case <-r.Context().Done():
		}
		return false
	}
}

// Flood answers with 100 MiB of one string of JSON, and counts the bytes that the client
// has taken.
func Flood(taken *atomic.Int64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(`{"issuer":"`))
		for block := []byte(strings.Repeat("a", 1<<20)); err == nil && taken.Load() < 100<<20; taken.Add(1 << 20) {
			_, err = w.Write(block)
		}
		return true
	}
}

// key is a key that signs, with its id.
type key struct {
	private *rsa.PrivateKey
	id      string
}

func newKey() *key {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return &key{private, rand.Text()}
}

func (k *key) public() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &k.private.PublicKey, KeyID: k.id, Algorithm: "RS256", Use: "sig"}}}
}

// Rotate gives a provider a new key. The old one is no longer among its keys.
func (p *fakeProvider) Rotate() {
	made := newKey()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key = made
}

func (p *fakeProvider) signingKey() *key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// Signed signs with the key of a provider, as an honest one does.
func (p *fakeProvider) Signed(claims []byte) string {
	key := p.signingKey()
	return sign(jose.RS256, key.private, key.id, claims)
}

// SignedWithOtherKey signs with a key that no provider has, and names the one that it has.
func (p *fakeProvider) SignedWithOtherKey(claims []byte) string {
	return sign(jose.RS256, newKey().private, p.signingKey().id, claims)
}

// SignedWithUnknownID signs with the key of a provider, and names one that it has not.
func (p *fakeProvider) SignedWithUnknownID(claims []byte) string {
	return sign(jose.RS256, p.signingKey().private, "unknown", claims)
}

// SignedWithSecret signs by HS256 with the secret of the client.
func (p *fakeProvider) SignedWithSecret(claims []byte) string {
	return sign(jose.HS256, []byte(ClientSecret), p.signingKey().id, claims)
}

// Unsigned has no signature, and the algorithm none.
func (p *fakeProvider) Unsigned(claims []byte) string {
	encoding := base64.RawURLEncoding
	return encoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encoding.EncodeToString(claims) + "."
}

func sign(algorithm jose.SignatureAlgorithm, with any, id string, claims []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: with}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}
