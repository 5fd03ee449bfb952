package browser

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
)

// newProtection trusts the origins of the settings, and that of the URL by which clients
// reach the server, which a proxy may not pass on as Host.
func newProtection(a app.App) *http.CrossOriginProtection {
	protection, trusted := http.NewCrossOriginProtection(), config.Of[Settings](a.Settings).Origins
	if public, err := url.Parse(a.Settings.Server.PublicURL); err == nil && public.Host != "" {
		if own, err := settings.NormalizeOrigin(public.Scheme + "://" + public.Host); err == nil {
			_ = protection.AddTrustedOrigin(own) // it has the right form
		}
	}
	for _, origin := range trusted {
		_ = protection.AddTrustedOrigin(origin) // check has accepted it
	}
	return protection
}

var errNoOrigin = errors.New("neither Sec-Fetch-Site nor Origin is sent")

// allow refuses a request that a page of another site may have made the browser send. Such
// a page can make it send the cookie, but not another header. Without the headers of a
// browser, net/http allows a request; here they are needed, because a program that is no
// browser has tokens.
func (s *sessions) allow(r *http.Request) error {
	err := s.protection.Check(r)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
			err = errNoOrigin
		}
	}
	if err != nil {
		return problem.Forbidden.Detailed("With a session cookie, this needs a page of this site").Because(err)
	}
	return nil
}

// allowLogin refuses pages of other sites, which could log a browser in to an account of
// theirs.
func (s *sessions) allowLogin(ctx context.Context) error {
	return s.allow(endpoint.Context(ctx).Request)
}
