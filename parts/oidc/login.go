package oidc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/oidc"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/ticket"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// cookieCarrier is the name of the carrier of a browser's session.
const cookieCarrier = "cookie"

// Begin is the input of a login at a provider. An app, whose return_to is one of
// oidc.return_to, sends the last three as for OAuth2 (RFC 6749, section 4.1.1; RFC 7636,
// section 4.3).
type Begin struct {
	Provider  string `path:"provider"`
	ReturnTo  string `query:"return_to"`
	Link      string `query:"link"`
	Challenge string `query:"code_challenge"`
	Method    string `query:"code_challenge_method"`
	State     string `query:"state" binding:"max=200"`
}

// Begin sends the browser to a provider.
func (l Logins) Begin(ctx context.Context, in Begin) (endpoint.None, error) {
	to, err := l.begin(ctx, in)
	return l.send(ctx, to, "", err)
}

func (l Logins) begin(ctx context.Context, in Begin) (to string, err error) {
	p, s := l.providers[in.Provider], step{Provider: in.Provider, ReturnTo: cmp.Or(in.ReturnTo, l.root(ctx).EscapedPath())}
	link, isLink := l.tickets.Open(in.Link, toLink)
	switch {
	case p == nil:
		err = problem.NotFound
	case in.Link == "":
		err = l.checkReturn(ctx, &s, in)
	case isLink && link.Value.Provider == in.Provider && !l.isOther(ctx, link.Value.UserID):
		s = link.Value
	default:
		err = errLost
	}
	if err != nil {
		return "", err
	}
	s.Request = oidc.NewRequest()
	to, err = p.Authorize(ctx, l.callback(ctx, in.Provider), s.Request)
	if err == nil && isLink {
		err = link.Use(l.accounts.DB.WithContext(ctx), errLost)
	}
	if err == nil {
		l.keep(ctx, s, toReturn)
	}
	return to, err
}

// Callback is what a provider sends the browser back with (OpenID Connect Core 1.0, section
// 3.1.2.5).
type Callback struct {
	Provider string  `path:"provider"`
	State    string  `query:"state"`
	Code     string  `query:"code"`
	Issuer   *string `query:"iss"` // RFC 9207
	Error    string  `query:"error"`
}

// Callback takes a browser back.
func (l Logins) Callback(ctx context.Context, in Callback) (endpoint.None, error) {
	if t, ok := l.kept(ctx, in.Provider, in.State, toReturn); ok {
		to, err := l.comeBack(ctx, in, t)
		return l.send(ctx, to, t.Value.ReturnTo, err)
	}
	if _, ok := l.kept(ctx, in.Provider, in.State, toSecond); ok { // the page is loaded again
		l.askSecond(ctx, in.State)
		return endpoint.None{}, nil
	}
	return l.send(ctx, "", "../"+in.Provider, errLost)
}

// send sends a browser to an address, or shows a person an error with a link back. If both are
// empty, a page is written already.
func (l Logins) send(ctx context.Context, to, back string, err error) (none endpoint.None, _ error) {
	c := endpoint.Context(ctx)
	switch {
	case err != nil && strings.Contains(c.GetHeader("Accept"), "text/html"):
		p := problem.Prepare(c, err)
		l.pages.Write(c, p.Status, "failed.html", map[string]any{"Text": p.Describe(), "Back": template.URL(back)}) //nolint:gosec // a path, or of oidc.return_to
		return none, nil
	case err == nil && to != "":
		c.Header("Location", to)
		c.Status(http.StatusSeeOther)
		c.Writer.WriteHeaderNow()
	}
	return none, err
}

// comeBack returns where the browser goes next, or "" if it has written a page.
func (l Logins) comeBack(ctx context.Context, in Callback, t ticket.Ticket[step]) (to string, err error) {
	s, p := t.Value, l.providers[in.Provider]
	l.keep(ctx, s, ticket.Purpose{})
	if err := t.Use(l.accounts.DB.WithContext(ctx), errLost); err != nil {
		return "", err
	}
	who, err := p.Redeem(ctx, l.callback(ctx, in.Provider), oidc.Answer{Code: in.Code, Error: in.Error, Issuer: in.Issuer}, s.Request)
	if errors.Is(err, oidc.ErrRefused) {
		err = accounts.ErrLoginFailed.Detailed("%s has not logged you in: begin again", in.Provider).Because(err)
	}
	if err != nil {
		return "", err
	}
	known, err := l.identify(ctx, who, s)
	if err != nil || !s.SessionID.IsNil() { // it is linked
		return s.ReturnTo, err
	}
	if s.Identity, s.UserID = known.ID, known.UserID; s.Challenge != "" {
		return settings.WithQuery(s.ReturnTo, url.Values{"code": {l.tickets.Issue(s, toRedeem)}, "state": {s.AppState}}), nil
	}
	var missing *problem.Problem
	err = l.logInBrowser(ctx, ticket.Ticket[step]{Value: s}, "")
	if errors.As(err, &missing) && missing.Code == "otp_required" {
		l.keep(ctx, s, toSecond)
		l.askSecond(ctx, s.State)
		return "", nil
	}
	return s.ReturnTo, err
}

// askSecond shows the page for the second factor.
func (l Logins) askSecond(ctx context.Context, state string) {
	l.pages.Write(endpoint.Context(ctx), http.StatusOK, "second.html", map[string]string{"State": state})
}

// SecondFactor is what a user enters on the page of a login at a provider.
type SecondFactor struct {
	Provider string    `path:"provider"`
	State    string    `json:"state" binding:"required"`
	OTP      totp.Code `json:"otp" binding:"required"`
}

// Destination is where the browser goes.
type Destination struct {
	URL string `json:"url"`
}

// Second logs a browser in whose second factor was missing.
func (l Logins) Second(ctx context.Context, in SecondFactor) (to Destination, err error) {
	t, ok := l.kept(ctx, in.Provider, in.State, toSecond)
	if !ok {
		return to, problem.Field("state", "is not of a login in this browser, or took too long")
	}
	if err := l.logInBrowser(ctx, t, in.OTP); err != nil {
		return to, err
	}
	l.keep(ctx, t.Value, ticket.Purpose{})
	return Destination{t.Value.ReturnTo}, nil
}

// logInBrowser begins a session of the user who has come back, and sets its cookie.
func (l Logins) logInBrowser(ctx context.Context, t ticket.Ticket[step], otp totp.Code) error {
	carrier, err := l.accounts.CarrierOf(ctx, cookieCarrier)
	if err != nil {
		return err
	}
	session, err := l.logIn(ctx, t, accounts.Factors{OTP: otp, Carrier: cookieCarrier})
	if err != nil {
		return err
	}
	return carrier.Carry(ctx, session)
}

// redeem logs an app in by its code, as Grant.Login.
func (l Logins) redeem(ctx context.Context, a accounts.Accounts, in accounts.Code) (models.Session, error) {
	l.accounts = a
	if in.Code == "" || in.Verifier == "" || in.RedirectURI == "" {
		return models.Session{}, problem.MalformedBody.Detailed("grant_type=authorization_code needs code, code_verifier and redirect_uri")
	}
	t, ok := l.tickets.Open(in.Code, toRedeem)
	hash := sha256.Sum256([]byte(in.Verifier))
	if !ok || t.Value.ReturnTo != in.RedirectURI || t.Value.Challenge != base64.RawURLEncoding.EncodeToString(hash[:]) {
		return models.Session{}, errLost
	}
	return l.logIn(ctx, t, accounts.Factors{OTP: in.OTP})
}

// logIn begins a session of the user who has come back. It also uses the ticket up, if that
// was sent to the browser or the app.
func (l Logins) logIn(ctx context.Context, t ticket.Ticket[step], in accounts.Factors) (session models.Session, err error) {
	in.Provider, in.Enough = t.Value.Provider, l.own.SecondFactor == providersFactor
	var failed error
	err = l.accounts.WithUser(ctx, t.Value.UserID, func(tx *gorm.DB, user models.User) (err error) {
		failed, err = l.accounts.Guess(tx, user, func(tx *gorm.DB, user models.User) error {
			if err := tx.Take(&Identity{}, "id = ? AND user_id = ?", t.Value.Identity, user.ID).Error; err != nil {
				return err
			}
			if session, err = l.accounts.Begin(tx, user, in); err != nil || t.ID.IsNil() {
				return err
			}
			return t.Use(tx, errLost)
		})
		return err
	})
	if errors.Is(err, problem.NotFound) || errors.Is(err, gorm.ErrRecordNotFound) { // it was unlinked, or the user deleted
		err = errLost
	}
	err = cmp.Or(err, failed)
	for _, observe := range l.accounts.OnLogin {
		observe(err)
	}
	return session, err
}
