package apptest

import (
	"slices"
	"testing"

	"example.com/latchkey/app"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/parts"
	"example.com/latchkey/routes"
)

// Rules are what kit.Hold needs to know about this API.
func Rules() kit.Rules {
	return kit.Rules{
		Start:      func(t testing.TB) *kit.App { t.Helper(); return New(t).App },
		UserAccess: string(models.RoleUser),
		Public: append([]string{
			"POST /register", "POST /login", "POST /refresh",
			"GET /.well-known/jwks.json", "GET /healthz", "GET /readyz",
		}, app.Each(parts.All(), func(part app.Part) []string { return part.Public })...),
		HandedOut: append([]string{"Token.access_token", "Token.refresh_token", "Token.token_type"}, app.Each(parts.All(), func(part app.Part) []string { return part.HandedOut })...),
		Resources: ownResources,
	}
}

// Table is the table of all routes.
func Table() []endpoint.Route { return routes.Table(Described()) }

// ProtectedRoutes are the routes of the table that need a user.
func ProtectedRoutes() []endpoint.Route {
	return slices.DeleteFunc(Table(), func(route endpoint.Route) bool { return route.Access.Public() })
}
