package oidc

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"example.com/latchkey/kit/settings"
)

// Settings describe a provider, and this program as its client.
type Settings struct {
	Issuer       string          `mapstructure:"issuer"`
	ClientID     string          `mapstructure:"client_id"`
	ClientSecret settings.Secret `mapstructure:"client_secret"` // empty for a public client
	Scopes       []string        `mapstructure:"scopes"`        // empty for openid, email and profile
	TrustEmail   bool            `mapstructure:"trust_email"`   // its email_verified is believed
}

// Check adds the faults of the settings.
func (s Settings) Check(f settings.Section) {
	if u, err := url.Parse(s.Issuer); err != nil || !IsSafe(u) || strings.ContainsAny(s.Issuer, "?#") {
		f.Add("issuer", "%q is not the URL of an issuer, such as https://accounts.google.com: http is for this machine only", s.Issuer)
	}
	if s.ClientID == "" {
		f.Add("client_id", "is empty: the provider shows it where you register this service")
	}
	if len(s.Scopes) > 0 && !slices.Contains(s.Scopes, "openid") {
		f.Add("scopes", "have no openid")
	}
}

// IsSafe reports whether nobody on the way can read a request to a URL: it has https, or is on
// this machine.
func IsSafe(u *url.URL) bool {
	return u.Hostname() != "" && u.User == nil && settings.HasGoodPort(u) && (u.Scheme == "https" || u.Scheme == "http" && settings.IsLoopback(u.Host))
}

const (
	keptFor    = time.Hour
	retryAfter = time.Minute // after which a known provider that is away is asked again
)

// metadata are the endpoints of a provider, and what it can do.
type metadata struct {
	*oidc.Provider
	verifier    *oidc.IDTokenVerifier
	authStyle   oauth2.AuthStyle
	sendsIssuer bool // RFC 9207, section 3
}

func (m *metadata) client(p *Provider, callback string) *oauth2.Config {
	at := m.Endpoint()
	at.AuthStyle = m.authStyle
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: string(p.ClientSecret.Bytes()), Endpoint: at, RedirectURL: callback, Scopes: p.Scopes}
}

// metadata returns the metadata of a provider. Logins at the same time wait for one request.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	known, isNew := p.known, time.Now().Before(p.renews)
	p.mu.Unlock()
	if isNew {
		return known, nil
	}
	select {
	case read := <-p.reads.DoChan("", p.read):
		if read.Err != nil {
			return nil, p.unavailable(read.Err)
		}
		return read.Val.(*metadata), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Provider) read() (any, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.Background(), p.client), requestTimeout)
	defer cancel()
	read, err := p.discover(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.known, p.renews = read, time.Now().Add(keptFor)
	case p.known != nil:
		p.renews, err = time.Now().Add(retryAfter), nil
	}
	return p.known, err
}

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	found, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		JWKS        string   `json:"jwks_uri"`
		Auth        []string `json:"token_endpoint_auth_methods_supported"`
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, err
	}
	for _, endpoint := range []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL, more.JWKS, cmp.Or(found.UserInfoEndpoint(), p.Issuer)} {
		if u, err := url.Parse(endpoint); err != nil || !IsSafe(u) || u.Scheme == "http" && strings.HasPrefix(p.Issuer, "https:") {
			return nil, fmt.Errorf("the endpoint %q is not https", endpoint)
		}
	}
	read := &metadata{Provider: found, verifier: found.Verifier(&oidc.Config{ClientID: p.ClientID}), authStyle: oauth2.AuthStyleInHeader, sendsIssuer: more.SendsIssuer}
	if p.ClientSecret == "" || len(more.Auth) > 0 && !slices.Contains(more.Auth, "client_secret_basic") {
		read.authStyle = oauth2.AuthStyleInParams
	}
	return read, nil
}
