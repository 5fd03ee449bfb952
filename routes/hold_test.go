package routes_test

import (
	"os"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

func TestAllRoutesHold(t *testing.T) { kit.Hold(t, apptest.Rules()) }

// sessionOf is the id of the session of an access token.
func sessionOf(t *testing.T, bearer []string) string {
	t.Helper()
	_, claims := kit.DecodeToken(t, strings.TrimPrefix(bearer[1], "Bearer "))
	return claims["sid"].(string)
}
