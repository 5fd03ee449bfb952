// Package routes is the API's table of contents, and the engine around it.
package routes

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/handlers"
	"example.com/latchkey/middleware"
	"example.com/latchkey/problem"
)

// Table is every route, one line each.
func Table(db *gorm.DB, services auth.Services) []endpoint.Route {
	users := accounts.Accounts{DB: db, Auth: services}
	account := handlers.Account{Accounts: users}
	health := handlers.Health{DB: db}
	me := handlers.Me{Accounts: users}
	oauth := handlers.OAuth{DB: db, Auth: services, Account: account}
	protected := handlers.Protected{}
	sessions := handlers.Sessions{DB: db, Auth: services}
	admin := handlers.Users{Accounts: users}
	notes := handlers.Notes{DB: db}

	return []endpoint.Route{
		endpoint.Public("POST", "/register", "Create an account", account.Register).Answers(201).Fails(problem.EmailTaken, problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/login", "Sign in", account.Login).Fails(problem.LoginFailed, problem.Forbidden, problem.Overloaded, problem.Unavailable),
		endpoint.Public("POST", "/refresh", "Stay signed in", account.Refresh).Fails(problem.TokenExpired, problem.TokenInvalid, problem.TokenRevoked, problem.Unavailable),

		endpoint.Protected("GET", "/protected", "Who am I, in the shortest form", protected.Show),
		endpoint.Protected("GET", "/me", "Who am I", me.Show),
		endpoint.Protected("PATCH", "/me", "Change my name", me.Update),
		endpoint.Protected("POST", "/me/email", "Change my email", me.ChangeEmail).Fails(problem.EmailTaken, problem.Overloaded),
		endpoint.Protected("POST", "/me/password", "Change my password", me.ChangePassword).Fails(problem.Overloaded),
		endpoint.Protected("POST", "/me/delete", "Delete my account", me.Delete).Fails(problem.LastAdmin, problem.Overloaded),

		endpoint.Protected("POST", "/logout", "Sign out", sessions.Logout),
		endpoint.Protected("GET", "/sessions", "Where I am signed in", sessions.Index),
		endpoint.Protected("DELETE", "/sessions", "Sign out everywhere, or everywhere else", sessions.EndMany),
		endpoint.Protected("DELETE", "/sessions/:id", "Sign out there", sessions.End),

		endpoint.Admin("GET", "/users", "List the users", admin.Index),
		endpoint.Admin("GET", "/users/:id", "Show a user", admin.Show),
		endpoint.Admin("PATCH", "/users/:id", "Change a user", admin.Update).Fails(problem.LastAdmin),
		endpoint.Admin("DELETE", "/users/:id/sessions", "Sign a user out everywhere", admin.EndSessions),

		endpoint.Public("POST", "/token", "Get tokens, as OAuth2 clients do", oauth.Token).Refuses(handlers.OAuthError).
			Fails(problem.LoginFailed, problem.Overloaded, problem.Unavailable, handlers.NoScopes, handlers.UnknownGrant),
		endpoint.Public("POST", "/revoke", "Revoke a token, as OAuth2 clients do", oauth.Revoke).Refuses(handlers.OAuthError).Answers(200).Fails(problem.Unavailable),
		endpoint.Public("GET", "/.well-known/jwks.json", "The keys that verify access tokens", oauth.PublicKeys),

		endpoint.Plain("GET", "/healthz", "Is the process alive", health.Live),
		endpoint.Public("GET", "/readyz", "Can it serve requests", health.Ready).Fails(problem.Unavailable),

		endpoint.Protected("GET", "/notes", "List my notes", notes.Index),
		endpoint.Protected("POST", "/notes", "Add a note", notes.Create).Answers(201),
		endpoint.Protected("GET", "/notes/:id", "Show a note", notes.Show),
		endpoint.Protected("PATCH", "/notes/:id", "Change a note", notes.Update).Fails(problem.PreconditionFailed),
		endpoint.Protected("DELETE", "/notes/:id", "Delete a note", notes.Delete).Fails(problem.PreconditionFailed),
	}
}

// Document describes the table as OpenAPI 3.1.
func Document(table []endpoint.Route) ([]byte, error) {
	info := endpoint.Info{
		Title:       "Latchkey",
		Version:     "1",
		Description: "Users, logins and protected routes. Press Authorize and log in with email and password.",
	}
	info.License.Name, info.License.Identifier = "MIT", "MIT"
	return endpoint.Document(info, table)
}

// documented adds the routes on which people read about the others, if shown.
func documented(table []endpoint.Route, show bool) ([]endpoint.Route, error) {
	document, err := Document(table) // also unshown: a table that lies stops the start
	if err != nil {
		return nil, err
	}
	if !show {
		return append(table, endpoint.Plain("GET", "/", "Is the process alive", handlers.Health{}.Live)), nil
	}
	docs, err := handlers.NewDocs(document)
	return append(table,
		endpoint.Plain("GET", "/", "To the page", docs.Home),
		endpoint.Plain("GET", "/docs", "The page to try this API on", docs.Page),
		endpoint.Plain("GET", "/docs/:file", "What the page loads", docs.File),
		endpoint.Plain("GET", "/openapi.json", "This API, described", docs.Document)), err
}

// New builds the API: the table, and around it what every request goes through.
func New(settings config.Settings, db *gorm.DB, services auth.Services, log *slog.Logger) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // Gin redirects without running the middleware
	if err := engine.SetTrustedProxies(settings.Server.TrustedProxies); err != nil {
		return nil, err
	}
	engine.Use(middleware.RequestID, middleware.Client, middleware.Log(log), middleware.Recover(), middleware.Headers)
	if origins := settings.Server.CORSOrigins; len(origins) > 0 {
		engine.Use(allow(origins))
	}
	engine.Use(middleware.HealthOnly("/healthz", "/readyz"))
	engine.NoRoute(func(c *gin.Context) { problem.Write(c, problem.NotFound) })
	engine.NoMethod(func(c *gin.Context) { problem.Write(c, problem.MethodNotAllowed) })

	authenticate := middleware.Authenticate(services)
	table, err := documented(Table(db, services), settings.ShowDocs())
	if err != nil {
		return nil, err
	}
	for _, route := range table {
		chain := []gin.HandlerFunc{authenticate, middleware.MaxBody(route.BodyLimit(settings.Server.MaxBody)), route.Handle}
		if route.Access == endpoint.AccessPublic {
			chain = chain[1:]
		}
		engine.Handle(route.Method, route.Path, chain...)
		if route.Method == http.MethodGet {
			engine.HEAD(route.Path, chain...)
		}
	}
	return engine, nil
}

// allow answers the browsers of pages from these origins (CORS). For any other
// the library would answer 403 by itself; here it is a request like all. A cache
// must not give one origin what another was answered, so all answers vary.
func allow(origins []string) gin.HandlerFunc {
	friend := cors.New(cors.Config{
		AllowOrigins:  origins,
		AllowMethods:  []string{"GET", "POST", "PATCH", "DELETE"},
		AllowHeaders:  []string{"Authorization", "Content-Type", "If-Match", problem.RequestIDHeader},
		ExposeHeaders: []string{"ETag", "Retry-After", "WWW-Authenticate", problem.RequestIDHeader},
	})
	return func(c *gin.Context) {
		c.Writer.Header().Add("Vary", "Origin")
		if slices.Contains(origins, c.GetHeader("Origin")) {
			friend(c)
		}
	}
}
