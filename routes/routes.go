// Package routes has the table of all routes, and the engine that serves them.
package routes

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/middleware"
)

// Table returns all routes: those of the core, one line each, of the parts, and of this
// project. All except the health checks are below server.base_path.
func Table(p app.Program) []endpoint.Route {
	table := slices.Concat(core(p), p.RoutesOfParts(), own(p))
	health := server.Health{DB: p.DB}
	return append(endpoint.Group(p.Settings.Server.BasePath, endpoint.Located(table)),
		endpoint.Gin("GET", "/healthz", "Is the process alive", health.Live).TagText("Checks for load balancers and supervisors.").Produces("application/json"),
		endpoint.Public("GET", "/readyz", "Can it serve requests", health.Ready).Errors(problem.Unavailable))
}

func core(p app.Program) []endpoint.Route {
	users := p.Accounts
	account := handlers.Account{Accounts: users, Registers: p.Settings.Register.Open}
	jwks := handlers.JWKS{Auth: p.Auth}
	me := handlers.Me{Accounts: users}
	protected := handlers.Protected{}
	sessions := handlers.Sessions{Accounts: users}
	admin := handlers.Users{Accounts: users}
	login := endpoint.Public("POST", "/login", "Log in", account.Login)
	if len(users.Carriers) > 0 {
		login = login.Also(http.StatusNoContent)
	}

	return []endpoint.Route{
		endpoint.Public("POST", "/register", "Create an account", account.Register).TagText("Create an account, log in, and stay logged in.").Status(201).Check(endpoint.NewRules(users.CheckNew)).Errors(accounts.ErrEmailTaken, problem.Forbidden, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable),
		login.Errors(accounts.ErrLoginFailed, problem.Forbidden, problem.TooManyAttempts, problem.Overloaded, problem.Unavailable).Errors(app.Each(p.Parts, func(part app.Part) []*problem.Problem { return part.LoginErrors })...),
		endpoint.Public("POST", "/refresh", "Get new tokens with a refresh token", account.Refresh).Errors(token.ErrExpired, token.ErrInvalid, token.ErrRevoked, problem.Unavailable),

		app.Protected("GET", "/protected", "Show my id", protected.Show).TagText("The shortest route that needs a login."),
		app.Protected("GET", "/me", "Show my account", me.Show).TagText("The account of the user who calls."),
		app.Protected("PATCH", "/me", "Change my name", me.Update),
		app.WithLogin("POST", "/me/email", "Change my email", me.ChangeEmail).Errors(accounts.ErrEmailTaken, problem.TooManyAttempts, problem.Overloaded),
		app.WithLogin("POST", "/me/password", "Change my password", me.ChangePassword).Check(endpoint.NewRules(me.CheckNewPassword)).Errors(problem.TooManyAttempts, problem.Overloaded),
		app.WithLogin("POST", "/me/delete", "Delete my account", me.Delete).Errors(accounts.ErrLastAdmin, problem.TooManyAttempts, problem.Overloaded),

		app.WithLogin("POST", "/logout", "End this session", sessions.Logout).TagText("Where the user is logged in, and how to log out."),
		app.WithLogin("GET", "/sessions", "List my sessions", sessions.Index),
		app.WithLogin("DELETE", "/sessions", "End all my sessions, or all others", sessions.EndMany),
		app.WithLogin("DELETE", "/sessions/:id", "End one of my sessions", sessions.End),

		app.Admin("GET", "/users", "List the users", admin.Index).TagText("All accounts, for admins."),
		app.Admin("POST", "/users", "Create a user", admin.Create).Status(201).Check(endpoint.NewRules(users.CheckInvited)).Errors(accounts.ErrEmailTaken, problem.Overloaded),
		app.Admin("GET", "/users/:id", "Show a user", admin.Show),
		app.Admin("PATCH", "/users/:id", "Change a user", admin.Update).Errors(accounts.ErrLastAdmin),
		app.Admin("DELETE", "/users/:id", "Delete a user", admin.Delete).Errors(accounts.ErrLastAdmin),
		app.Admin("DELETE", "/users/:id/sessions", "End all sessions of a user", admin.EndSessions),

		endpoint.Public("GET", "/.well-known/jwks.json", "The keys that verify access tokens", jwks.Show).TagText("The public keys of this API (RFC 7517)."),
	}
}

// Document describes the table as OpenAPI 3.1.
func Document(p app.Program) ([]byte, error) {
	info := endpoint.Info{
		Title:           "Latchkey",
		Version:         "1",
		Description:     "Users, logins and protected routes. Press Authorize to log in.",
		SecuritySchemes: map[string]any{"by_token": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
	}
	for _, part := range p.Parts {
		for name, scheme := range part.Schemes {
			info.SecuritySchemes[name] = scheme.Describe
			if scheme.IsNotLogin {
				info.NotLogins = append(info.NotLogins, name)
			}
		}
	}
	info.Root = "." + strings.Repeat("/..", strings.Count(p.Settings.Server.BasePath, "/"))
	info.Contact.Name = "The makers of Latchkey"
	info.License.Name, info.License.Identifier = "MIT", "MIT"
	return endpoint.Document(info, Table(p))
}

// Engine builds the API: the table, and the middleware of all requests.
func Engine(p app.Program) (*gin.Engine, error) {
	p.Document = func() ([]byte, error) { return Document(p) }
	pages := p.PagesOfParts()
	if !slices.ContainsFunc(pages, func(page endpoint.Route) bool { return page.Path == "/" }) {
		pages = append(pages, endpoint.Gin("GET", "/", "Is the process alive", server.Health{}.Live))
	}
	return server.NewEngine(server.Options{
		Settings: p.Settings.Server, Realm: config.Realm, Log: p.Log, LogMore: middleware.LogMore(p.LogFields),
		Routes: Table(p), Pages: pages, Origins: p.Origins,
		Middleware: p.Middleware, Authenticate: middleware.Authenticate(p.Accounts),
	})
}
