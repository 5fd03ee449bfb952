package oidctest_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"example.com/latchkey/parts/oidc/oidctest"
)

const (
	callback = "http://127.0.0.1/callback"
	nonce    = "a nonce"
	verifier = "a verifier, which is between 43 and 128 characters long"
)

// login logs in at a provider as a client, and returns the claims about the user.
func login(t *testing.T, p *oidctest.Provider, change func(client *oauth2.Config, verifier *string)) (user *oidc.UserInfo, err error) {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), p.URL)
	if err != nil {
		return nil, err
	}
	client := &oauth2.Config{
		ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: callback, Scopes: []string{"openid", "email"},
	}
	back, err := url.Parse(oidctest.Approve(t, client.AuthCodeURL("a state", oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))))
	if err != nil {
		t.Fatal(err)
	}
	if query := back.Query(); query.Get("state") != "a state" || query.Get("iss") != p.URL {
		return nil, errors.New("the answer is " + back.String())
	}
	sent := verifier
	if change != nil {
		change(client, &sent)
	}
	return redeem(t.Context(), provider, client, back.Query().Get("code"), sent)
}

func redeem(ctx context.Context, provider *oidc.Provider, client *oauth2.Config, code, verifier string) (*oidc.UserInfo, error) {
	tokens, err := client.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	if _, err := client.Exchange(ctx, code, oauth2.VerifierOption(verifier)); err == nil {
		return nil, errors.New("the code works twice")
	}
	text, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: client.ClientID}).Verify(ctx, text)
	if err != nil {
		return nil, err
	}
	if id.Nonce != nonce {
		return nil, errors.New("the nonce is " + id.Nonce)
	}
	user, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err == nil && user.Subject != id.Subject {
		err = errors.New("UserInfo is of " + user.Subject)
	}
	return user, err
}

func TestAnHonestProviderLogsIn(t *testing.T) {
	p := oidctest.New(t)
	for range 2 {
		user, err := login(t, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user.Email != "ada@example.com" || !user.EmailVerified {
			t.Errorf("the user is %+v", user)
		}
		p.Rotate()
	}
	redeemed := p.Requests(oidctest.Token)
	if len(redeemed) != 4 || redeemed[0].Form.Get("code_verifier") != verifier || len(p.Requests(oidctest.Keys)) != 2 {
		t.Errorf("the requests are %v", redeemed)
	}
}

func TestAProviderRefusesAClient(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(client *oauth2.Config, verifier *string)
		says   string
	}{
		"with another secret":       {func(client *oauth2.Config, _ *string) { client.ClientSecret = "guessed" }, "invalid_client"},
		"with another redirect_uri": {func(client *oauth2.Config, _ *string) { client.RedirectURL += "/other" }, "invalid_grant"},
		"with another verifier":     {func(_ *oauth2.Config, verifier *string) { *verifier += "s" }, "invalid_grant"},
	} {
		t.Run(claim, func(t *testing.T) {
			if _, err := login(t, oidctest.New(t), c.change); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, and does not say %s", err, c.says)
			}
		})
	}
}

func TestAClientRefusesAForgery(t *testing.T) {
	p, other := oidctest.New(t), oidctest.New(t)
	closed := make(chan struct{})
	close(closed)
	type (
		json   = oidctest.JSON
		answer = map[oidctest.Endpoint]func(http.ResponseWriter, *http.Request) bool
	)
	for claim, c := range map[string]struct {
		forgery oidctest.Forgery
		says    string // "": the client does not refuse it
	}{
		"nothing":                        {oidctest.Forgery{}, ""},
		"an answer after a while":        {oidctest.Forgery{Answer: answer{oidctest.Token: oidctest.Hold(closed)}}, ""},
		"another issuer of the document": {oidctest.Forgery{Discovery: json{"issuer": other.URL}}, "issuer URL provided to client"},
		"no endpoint of tokens":          {oidctest.Forgery{Discovery: json{"token_endpoint": oidctest.Missing{}}}, "unsupported protocol"},
		"another iss beside the code":    {oidctest.Forgery{Callback: json{"iss": other.URL}}, "the answer is"},
		"no iss beside the code":         {oidctest.Forgery{Callback: json{"iss": oidctest.Missing{}}}, "the answer is"},
		"another issuer":                 {oidctest.Forgery{IDToken: json{"iss": other.URL}}, "issued by a different provider"},
		"an audience without the client": {oidctest.Forgery{IDToken: json{"aud": []string{"another"}}}, "expected audience"},
		"a token of the past":            {oidctest.Forgery{IDToken: json{"exp": 1}}, "token is expired"},
		"another nonce":                  {oidctest.Forgery{IDToken: json{"nonce": "another"}}, "the nonce is"},
		"no nonce":                       {oidctest.Forgery{IDToken: json{"nonce": oidctest.Missing{}}}, "the nonce is"},
		"no signature":                   {oidctest.Forgery{Sign: p.Unsigned}, "unexpected signature algorithm"},
		"a signature by the secret":      {oidctest.Forgery{Sign: p.SignedWithSecret}, "unexpected signature algorithm"},
		"a signature by another key":     {oidctest.Forgery{Sign: p.SignedWithOtherKey}, "failed to verify signature"},
		"a signature of another issuer":  {oidctest.Forgery{Sign: other.Signed}, "failed to verify signature"},
		"a key with an unknown id":       {oidctest.Forgery{Sign: p.SignedWithUnknownID}, "failed to verify signature"},
		"no ID token":                    {oidctest.Forgery{Token: json{"id_token": oidctest.Missing{}}}, "malformed jwt"},
		"another user's UserInfo":        {oidctest.Forgery{UserInfo: json{"sub": "another"}}, "UserInfo is of another"},
		"a failure":                      {oidctest.Forgery{Answer: answer{oidctest.Token: oidctest.Status(500)}}, "500"},
		"another place for the keys":     {oidctest.Forgery{Answer: answer{oidctest.Keys: oidctest.Redirect(other.URL + "/jwks")}}, "failed to verify signature"},
	} {
		t.Run(claim, func(t *testing.T) {
			p.Forge(c.forgery)
			_, err := login(t, p, nil)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, and does not say %q", err, c.says)
			}
		})
	}
}

func TestAFloodEndsWithTheClient(t *testing.T) {
	var taken atomic.Int64
	p := oidctest.New(t)
	p.Forge(oidctest.Forgery{Answer: map[oidctest.Endpoint]func(http.ResponseWriter, *http.Request) bool{oidctest.Keys: oidctest.Flood(&taken)}})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+string(oidctest.Keys), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if got := taken.Load(); got > 90<<20 {
		t.Errorf("a client that reads nothing took %d bytes", got)
	}
}
