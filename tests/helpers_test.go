// Package tests tests the program as a whole: many at the same time, several replicas,
// proxies, poolers, kills and upgrades. A project does not inherit it.
package tests

import (
	"net/http/httptest"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/routes"
)

const form = "application/x-www-form-urlencoded"

// newHashing is apptest.New with the test's own hasher and number of cores.
func newHashing(t testing.TB, cores int, hasher password.Hasher, change ...func(*config.Settings)) *apptest.App {
	t.Helper()
	app := apptest.New(t, change...)
	passwords := password.New(app.Settings.Password, cores, hasher)
	app.Auth.Passwords, app.Accounts.Auth.Passwords = passwords, passwords
	app.Program.Auth, app.Program.Accounts = app.Auth, app.Accounts
	engine, err := routes.Engine(app.Program)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	app.Engine, app.URL = engine, server.URL
	return app
}
