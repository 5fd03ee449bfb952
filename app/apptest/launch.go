package apptest

import (
	"encoding/json"
	"slices"
	"testing"

	kit "example.com/latchkey/kit/apptest"
)

// Server is the program that runs, until it or the test ends.
type Server struct{ *kit.Server }

// Launch starts a server with fast hashing, and with long timeouts for slow machines. Await
// waits until it listens.
func Launch(t *testing.T, folder string, environ ...string) Server {
	t.Helper()
	return Server{kit.Launch(t, kit.Command(t, folder, slices.Concat(Environ, []string{"APP_REGISTER_OPEN=true"}, environ)))}
}

// Environ are the variables of Launch that each version of the program knows.
var Environ = []string{
	"APP_SERVER_ADDRESS=127.0.0.1:0", "APP_PASSWORD_BCRYPT_COST=4",
	"APP_PASSWORD_MAX_WAIT=1h", "APP_DATABASE_STATEMENT_TIMEOUT=1h", "APP_DATABASE_LOCK_TIMEOUT=1h",
	"APP_LOGIN_MAX_FAILURES=1000000", // a test is one client
}

// Await waits until the server listens.
func (s Server) Await() Server {
	s.Server.Await()
	return s
}

// FastHashing is the environment of a command that hashes a password.
var FastHashing = []string{"APP_PASSWORD_BCRYPT_COST=4"}

// Credentials are the input of a login with Password.
func Credentials(email string) string {
	return `{"email":"` + email + `","password":"` + Password + `"}`
}

// Token logs a user in, and returns the access token.
func (s Server) Token(email string) string {
	access, _ := s.Tokens("/login", Credentials(email))
	return access
}

// Tokens returns the tokens of a login or a refresh.
func (s Server) Tokens(path, body string) (access, refresh string) {
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal([]byte(s.Want(200, "POST", path, body)), &answer) // no tokens, if it fails
	return answer.AccessToken, answer.RefreshToken
}
