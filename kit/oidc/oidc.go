// Package oidc is a client of OpenID Connect providers: it asks who a user is, and believes
// an answer only after all checks of the standard.
package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"example.com/latchkey/kit/problem"
)

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // in bytes, of a provider
)

// Provider is a provider, and this program as its client. It reads its metadata at the first
// login, and every hour again (OpenID Connect Discovery 1.0).
type Provider struct {
	Settings
	name   string
	client *http.Client
	reads  singleflight.Group

	mu     sync.Mutex
	known  *metadata // nil before the first answer
	renews time.Time
}

// New makes a Provider from settings that Check accepts. It sends no request.
func New(name string, s Settings) *Provider {
	if len(s.Scopes) == 0 {
		s.Scopes = []string{"openid", "email", "profile"}
	}
	client := &http.Client{
		Timeout:       requestTimeout,
		Transport:     limited{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // to anywhere
	}
	return &Provider{Settings: s, name: name, client: client}
}

// limited limits the answers of a provider.
type limited struct{ http.RoundTripper }

// RoundTrip returns an answer whose body ends with an error after maxAnswer.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}

// Request is what a client must remember of a request, in a place that only the browser of
// the user has (OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636).
type Request struct {
	State, Nonce, Verifier string
}

// NewRequest makes a request that nobody can guess.
func NewRequest() Request { return Request{rand.Text(), rand.Text(), oauth2.GenerateVerifier()} }

// Authorize returns the address at a provider to which a browser goes. callback is the URL of
// this program to which it comes back. The error is unavailable.
func (p *Provider) Authorize(ctx context.Context, callback string, r Request) (address string, err error) {
	at, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	return at.client(p, callback).AuthCodeURL(r.State, oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)), nil
}

// Answer has the parameters with which a browser comes back.
type Answer struct {
	Code, Error string
	Issuer      *string // iss (RFC 9207)
}

// ErrRefused is the error of an answer that must not be believed, or of a user who has not
// agreed. Its text has the reason, for the log.
var ErrRefused = errors.New("the answer of the provider is refused")

func refused(reason string, args ...any) error {
	return fmt.Errorf("%w: %.300w", ErrRefused, fmt.Errorf(reason, args...))
}

// User is a user as a provider knows one: by Issuer and Subject, because emails change hands
// (section 5.7).
type User struct {
	Issuer, Subject string
	Email           string  // as the provider writes it; "" if unknown
	Verified        bool    // the settings trust the provider, and it has verified the email
	Name            *string // at most 100 characters; nil if unknown
}

// Redeem asks a provider who the user of a request is. The answer to the browser is checked
// before its code leaves this program. The error is ErrRefused or unavailable.
func (p *Provider) Redeem(ctx context.Context, callback string, answer Answer, r Request) (User, error) {
	at, err := p.metadata(ctx)
	switch {
	case err != nil:
		return User{}, err
	case answer.Issuer != nil && *answer.Issuer != p.Issuer, answer.Issuer == nil && at.sendsIssuer:
		return User{}, refused("iss is not that of this provider")
	case answer.Error != "":
		return User{}, refused("the provider says %.100q", answer.Error)
	case answer.Code == "":
		return User{}, refused("there is no code")
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := at.client(p, callback).Exchange(ctx, answer.Code, oauth2.VerifierOption(r.Verifier))
	var failed *oauth2.RetrieveError
	switch {
	case errors.As(err, &failed) && failed.ErrorCode == "invalid_grant":
		return User{}, refused("the code is refused")
	case errors.As(err, &failed): // its text has the body, which may have a token
		return User{}, p.unavailable(fmt.Errorf("the token endpoint answers %s %.100q", failed.Response.Status, failed.ErrorCode))
	case err != nil:
		return User{}, p.unavailable(err)
	}
	text, _ := tokens.Extra("id_token").(string)
	id, err := at.verifier.Verify(ctx, text)
	switch {
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return User{}, p.unavailable(err)
	case err != nil:
		return User{}, refused("%v", err)
	}
	found, err := p.claimsOf(id, r.Nonce, tokens.AccessToken)
	if err == nil && found.Email == "" && at.UserInfoEndpoint() != "" {
		info, err := at.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return User{}, p.unavailable(err)
		}
		err = found.complete(info)
		return p.user(found), err
	}
	return p.user(found), err
}

// unavailable is the answer if a provider is away. The log has the beginning of the error.
func (p *Provider) unavailable(err error) error {
	return problem.Unavailable.Detailed("%s does not answer as it should, try again later", p.name).WithRetryAfter(requestTimeout).Because(fmt.Errorf("%s: %.300w", p.Issuer, err))
}
