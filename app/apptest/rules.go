package apptest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

// Rules are what kit.Hold needs to know about this API.
func Rules() kit.Rules {
	return kit.Rules{
		Start:      func(t testing.TB) *kit.App { t.Helper(); return New(t).App },
		UserAccess: string(models.RoleUser),
		Public: append([]string{
			"POST /register", "POST /login", "POST /refresh",
			"POST /password/forgot", "POST /password/reset", "POST /email/verify",
			"POST /token",
			"POST /revoke",
			"GET /.well-known/oauth-authorization-server",
			"GET /.well-known/jwks.json", "GET /healthz", "GET /readyz",
		}, ownPublic...),
		HandedOut: []string{
			"Token.access_token", "Token.refresh_token", "Token.token_type",
			"Metadata.token_endpoint", "Metadata.token_endpoint_auth_methods_supported",
			"TOTPSecret.secret",
		},
		Resources: ownResources,
	}
}

// Table is the table of all routes.
func Table() []endpoint.Route { return routes.App{Settings: config.Defaults()}.Table() }

// ProtectedRoutes are the routes of the table that need a user.
func ProtectedRoutes() []endpoint.Route {
	return slices.DeleteFunc(Table(), func(route endpoint.Route) bool { return route.Access.Public() })
}

// WantOnlyLoginsRefused tries a credential of an admin that is not a login on every
// protected route.
func WantOnlyLoginsRefused(t *testing.T, app *App, credential []string) {
	t.Helper()
	for _, route := range ProtectedRoutes() {
		if route.Streams() {
			continue
		}
		answer := app.Serve(route.Method, route.Path, "", credential...)
		if strings.HasPrefix(route.Access.Name, "login") != (answer.Status == http.StatusForbidden) {
			t.Errorf("%s %s with another credential is answered %d: its access is %s", route.Method, route.Path, answer.Status, route.Access)
		}
	}
}
