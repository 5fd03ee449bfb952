// Package routes has the table of all routes, and the engine that serves them.
package routes

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/middleware"
)

// App has what the handlers need. Add a field for what another handler needs. The
// zero App has a table and a document, but cannot serve requests.
type App struct {
	Settings config.Settings
	Log      *slog.Logger
	DB       *gorm.DB
	Auth     accounts.Services
	SendMail accounts.SendMail // nil if no mail can be sent

	Authenticators []accounts.Authenticator // are asked before those of this program
	Middleware     []gin.HandlerFunc        // runs around every request, before the other middleware
	OnLogin        []func(err error)        // called with the result of each login
}

// Accounts returns what changes users.
func (a App) Accounts() accounts.Accounts {
	return accounts.Accounts{
		DB: a.DB, Auth: a.Auth,
		Hooks: []accounts.Hook{
			accounts.EndKeys,
			accounts.EndUnprovedTOTP,
			mails(a).Hook,
			accounts.StoreEvent,
		},
		SecondFactors: []accounts.SecondFactor{
			oneTimeCodes(a).Check,
		},
		OnLogin: a.OnLogin,
	}
}

// Table returns all routes, one line each. All except the health checks are below
// server.base_path.
func (a App) Table() []endpoint.Route {
	users := a.Accounts()
	account := handlers.Account{Accounts: users, Registers: a.Settings.Register.Open}
	events := handlers.Events{DB: a.DB}
	health := server.Health{DB: a.DB}
	keys := handlers.APIKeys{Accounts: users}
	jwks := handlers.JWKS{Auth: a.Auth}
	mail := handlers.Mail{Accounts: users, Mails: mails(a)}
	me := handlers.Me{Accounts: users}
	oauth := handlers.OAuth{DB: a.DB, Auth: a.Auth, Account: account, Issuer: a.Settings.JWT.Issuer, PublicURL: a.Settings.Server.PublicURL, BasePath: a.Settings.Server.BasePath}
	protected := handlers.Protected{}
	sessions := handlers.Sessions{Accounts: users}
	totp := handlers.TOTP{Accounts: users, Codes: oneTimeCodes(a)}
	admin := handlers.Users{Accounts: users}

	table := []endpoint.Route{
		endpoint.Public("POST", "/register", "Create an account", account.Register).Status(201).Check(endpoint.NewRules(users.CheckNew)).Errors(accounts.ErrEmailTaken, problem.Forbidden, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/login", "Sign in", account.Login).Errors(accounts.ErrLoginFailed, accounts.ErrOTPRequired, problem.Forbidden, accounts.ErrEmailUnverified, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/refresh", "Stay signed in", account.Refresh).Errors(token.ErrExpired, token.ErrInvalid, token.ErrRevoked, problem.Unavailable),
		endpoint.Public("POST", "/password/forgot", "Ask for a link to choose a new password", mail.Forgot).Status(202).Errors(problem.TooManyAttempts, problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/password/reset", "Choose a new password, with the token of a link", mail.Reset).Check(endpoint.NewRules(mail.CheckReset)).Errors(problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/email/verify", "Verify an email, with the token of a link", mail.Verify).Errors(problem.Unavailable),

		Protected("GET", "/protected", "Who am I, in the shortest form", protected.Show),
		Protected("GET", "/me", "Who am I", me.Show),
		Protected("PATCH", "/me", "Change my name", me.Update),
		WithLogin("POST", "/me/email", "Change my email", me.ChangeEmail).Errors(accounts.ErrEmailTaken, problem.TooManyAttempts, problem.Overloaded),
		WithLogin("POST", "/me/email/verification", "Ask for the link to verify my email once more", mail.SendVerification).Status(202).Errors(problem.TooManyAttempts),
		WithLogin("POST", "/me/password", "Change my password", me.ChangePassword).Check(endpoint.NewRules(me.CheckNewPassword)).Errors(problem.TooManyAttempts, problem.Overloaded),
		WithLogin("POST", "/me/delete", "Delete my account", me.Delete).Errors(accounts.ErrLastAdmin, problem.TooManyAttempts, problem.Overloaded),
		Protected("GET", "/me/events", "What happened to my account", events.Mine),

		WithLogin("POST", "/me/totp", "Set one-time codes up", totp.SetUp).Errors(problem.AlreadyExists, problem.TooManyAttempts, problem.Overloaded),
		WithLogin("POST", "/me/totp/confirm", "Turn one-time codes on, and get recovery codes", totp.Confirm).Errors(problem.AlreadyExists, problem.TooManyAttempts),
		WithLogin("POST", "/me/totp/delete", "Turn one-time codes off", totp.TurnOff).Errors(problem.TooManyAttempts, problem.Overloaded),

		WithLogin("POST", "/logout", "Sign out", sessions.Logout),
		WithLogin("GET", "/sessions", "Where I am signed in", sessions.Index),
		WithLogin("DELETE", "/sessions", "Sign out everywhere, or everywhere else", sessions.EndMany),
		WithLogin("DELETE", "/sessions/:id", "Sign out there", sessions.End),

		WithLogin("GET", "/keys", "List my API keys", keys.Index),
		WithLogin("POST", "/keys", "Make an API key", keys.Create).Status(201).Errors(accounts.ErrTooManyKeys, problem.TooManyAttempts, problem.Overloaded),
		WithLogin("DELETE", "/keys/:id", "Delete an API key", keys.Delete),

		Admin("GET", "/users", "List the users", admin.Index),
		Admin("POST", "/users", "Create a user", admin.Create).Status(201).Check(endpoint.NewRules(users.CheckInvited)).Errors(accounts.ErrEmailTaken, problem.Overloaded),
		Admin("GET", "/users/:id", "Show a user", admin.Show),
		Admin("PATCH", "/users/:id", "Change a user", admin.Update).Errors(accounts.ErrLastAdmin),
		Admin("DELETE", "/users/:id", "Delete a user", admin.Delete).Errors(accounts.ErrLastAdmin),
		Admin("DELETE", "/users/:id/sessions", "Sign a user out everywhere", admin.EndSessions),
		Admin("GET", "/events", "What happened to all accounts", events.Index),

		endpoint.Public("POST", "/token", "Get tokens, as OAuth2 clients do", oauth.Token).MapErrors(handlers.OAuthError).
			Errors(accounts.ErrLoginFailed, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable, handlers.UnknownGrant),
		endpoint.Public("POST", "/revoke", "Revoke a token, as OAuth2 clients do", oauth.Revoke).MapErrors(handlers.OAuthError).Status(200).Errors(problem.Unavailable),
		endpoint.Public("GET", "/.well-known/oauth-authorization-server", "The endpoints for OAuth2 clients", oauth.Metadata).Errors(problem.NotFound),
		endpoint.Public("GET", "/.well-known/jwks.json", "The keys that verify access tokens", jwks.Show),
	}
	table = endpoint.Located(append(table, a.own()...))
	return append(endpoint.Group(a.Settings.Server.BasePath, table),
		endpoint.Gin("GET", "/healthz", "Is the process alive", health.Live).Produces("application/json"),
		endpoint.Public("GET", "/readyz", "Can it serve requests", health.Ready).Errors(problem.Unavailable))
}

// Document describes the table as OpenAPI 3.1.
func (a App) Document() ([]byte, error) {
	info := endpoint.Info{
		Title:       "Latchkey",
		Version:     "1",
		Description: "Users, logins and protected routes. Press Authorize to sign in.",
	}
	info.Root = "." + strings.Repeat("/..", strings.Count(a.Settings.Server.BasePath, "/"))
	info.SecuritySchemes = map[string]any{
		"by_password": byPassword(),
		keyScheme:     byKey(),
		"by_token":    map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
	}
	info.Contact.Name = "The makers of Latchkey"
	info.License.Name, info.License.Identifier = "MIT", "MIT"
	return endpoint.Document(info, a.Table())
}

// docs returns the routes of the documentation, if it is enabled.
func (a App) docs() []endpoint.Route {
	if !a.Settings.ShowDocs() {
		return []endpoint.Route{endpoint.Gin("GET", "/", "Is the process alive", server.Health{}.Live)}
	}
	document := handlers.NewFile("application/json", a.Document)
	return slices.Concat([]endpoint.Route{endpoint.Gin("GET", "/openapi.json", "This API, described", document.Serve)}, page())
}

// Engine builds the API: the table, and the middleware of all requests.
func (a App) Engine() (*gin.Engine, error) {
	return server.NewEngine(server.Options{
		Settings: a.Settings.Server.Settings, Realm: config.Realm, Log: a.Log, LogMore: middleware.LogMore,
		Routes: a.Table(), Pages: slices.Concat(a.docs(), mailPages(a)),
		Middleware: a.Middleware, Authenticate: middleware.Authenticate(a.authenticators()),
	})
}
