package oidc_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The client that every provider knows. Its secret has characters that RFC 6749 encodes,
// and is long enough for HS256.
const (
	ClientID     = "client"
	ClientSecret = "a secret/of the client: 32 bytes+"
)

// Endpoint is the path of an endpoint.
type Endpoint string

// The endpoints of a provider.
const (
	Discovery     Endpoint = "/.well-known/openid-configuration"
	Authorization Endpoint = "/authorize"
	Token         Endpoint = "/token"
	Keys          Endpoint = "/jwks"
	UserInfo      Endpoint = "/userinfo"
)

// Request is a request that a provider got.
type Request struct {
	Endpoint Endpoint
	Header   http.Header
	Form     url.Values // the query too
}

// fakeProvider is an OpenID Connect provider on loopback that approves each authorization request at once.
type fakeProvider struct {
	URL string // its issuer

	mu       sync.Mutex
	forgery  Forgery
	key      *key
	grants   map[string]url.Values // the authorization requests, by code
	tokens   map[string]bool       // the access tokens
	requests []Request
}

// newFake starts a provider, which ends with the test.
func newFake(t testing.TB) *fakeProvider {
	t.Helper()
	p := &fakeProvider{grants: map[string]url.Values{}, tokens: map[string]bool{}}
	p.Rotate()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Forge makes a provider forge its answers from now on. An empty Forgery makes it honest.
func (p *fakeProvider) Forge(forgery Forgery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgery = forgery
}

// Requests are the requests to an endpoint until now.
func (p *fakeProvider) Requests(to Endpoint) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.requests), func(request Request) bool { return request.Endpoint != to })
}

// approve does what a browser does with an authorization request: it asks the provider,
// and returns the address of the client to which the answer leads.
func approve(t testing.TB, address string) (callback string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("the provider answers %s to %s", answer.Status, address)
	}
	return answer.Header.Get("Location")
}

// ServeHTTP answers a request to an endpoint.
func (p *fakeProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint := Endpoint(r.URL.Path)
	_ = r.ParseForm()
	p.mu.Lock()
	p.requests = append(p.requests, Request{endpoint, r.Header, r.Form})
	forgery := p.forgery
	p.mu.Unlock()
	if answer := forgery.Answer[endpoint]; answer != nil && answer(w, r) {
		return
	}
	answers := map[Endpoint]func(http.ResponseWriter, *http.Request, Forgery){
		Discovery: p.discover, Authorization: p.authorize, Token: p.redeem, Keys: p.showKeys, UserInfo: p.showUser,
	}
	if answer := answers[endpoint]; answer != nil {
		answer(w, r, forgery)
		return
	}
	http.NotFound(w, r)
}

func (p *fakeProvider) discover(w http.ResponseWriter, _ *http.Request, forgery Forgery) {
	write(w, http.StatusOK, with(JSON{
		"issuer":                                         p.URL,
		"authorization_endpoint":                         p.URL + string(Authorization),
		"token_endpoint":                                 p.URL + string(Token),
		"jwks_uri":                                       p.URL + string(Keys),
		"userinfo_endpoint":                              p.URL + string(UserInfo),
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}, forgery.Discovery))
}

// authorize sends the browser back with a code. The redirect_uri need not be registered.
func (p *fakeProvider) authorize(w http.ResponseWriter, r *http.Request, forgery Forgery) {
	back, err := url.Parse(r.Form.Get("redirect_uri"))
	if err != nil || r.Form.Get("client_id") != ClientID || r.Form.Get("response_type") != "code" ||
		!slices.Contains(strings.Fields(r.Form.Get("scope")), "openid") ||
		r.Form.Get("code_challenge") == "" || r.Form.Get("code_challenge_method") != "S256" {
		write(w, http.StatusBadRequest, JSON{"error": "invalid_request"})
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.grants[code] = r.Form
	p.mu.Unlock()
	query := back.Query()
	for name, value := range with(JSON{"code": code, "state": r.Form.Get("state"), "iss": p.URL}, forgery.Callback) {
		query.Set(name, value.(string))
	}
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther) //nolint:gosec // a test asks
}

// redeem answers a code with tokens, once.
func (p *fakeProvider) redeem(w http.ResponseWriter, r *http.Request, forgery Forgery) {
	if !isClient(r) {
		write(w, http.StatusUnauthorized, JSON{"error": "invalid_client"})
		return
	}
	access := rand.Text()
	p.mu.Lock()
	code := r.PostForm.Get("code")
	asked, found := p.grants[code]
	delete(p.grants, code)
	p.tokens[access] = true
	p.mu.Unlock()
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !found || r.PostForm.Get("grant_type") != "authorization_code" ||
		r.PostForm.Get("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(verifier[:]) != asked.Get("code_challenge") {
		write(w, http.StatusBadRequest, JSON{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := JSON{"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if nonce := asked.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	sign := p.Signed
	if forgery.Sign != nil {
		sign = forgery.Sign
	}
	claims = with(claims, user, forgery.User, forgery.IDToken)
	write(w, http.StatusOK, with(JSON{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": sign(encode(claims)),
	}, forgery.Token))
}

// isClient tells whether a request has the secret of the client: in the header, where
// RFC 6749, 2.3.1 encodes it, or in the form.
func isClient(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return r.PostForm.Get("client_id") == ClientID && r.PostForm.Get("client_secret") == ClientSecret
	}
	return id == url.QueryEscape(ClientID) && secret == url.QueryEscape(ClientSecret)
}

func (p *fakeProvider) showKeys(w http.ResponseWriter, _ *http.Request, _ Forgery) {
	write(w, http.StatusOK, p.signingKey().public())
}

func (p *fakeProvider) showUser(w http.ResponseWriter, r *http.Request, forgery Forgery) {
	p.mu.Lock()
	known := p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	p.mu.Unlock()
	if !known {
		write(w, http.StatusUnauthorized, JSON{"error": "invalid_token"})
		return
	}
	write(w, http.StatusOK, with(user, forgery.User, forgery.UserInfo))
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body))
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
