package server

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
)

func nothingMore(context.Context, error) (slog.Level, []slog.Attr) { return slog.LevelInfo, nil }

// authenticate knows nobody but the sender of "Bearer good".
func authenticate(c *gin.Context) {
	switch c.GetHeader("Authorization") {
	case "":
		problem.Write(c, token.ErrMissing)
	case "Bearer good":
	default:
		problem.Write(c, token.ErrInvalid)
	}
}

type credentials struct {
	Email string `json:"email"`
}

// bigAnswer, in characters, is how long the answer of /big is.
const bigAnswer = 1 << 20

// newEngine is the engine of a small service.
func newEngine(t *testing.T, settings Settings, log *slog.Logger) *gin.Engine {
	t.Helper()
	of := func(context.Context) (string, error) { return "ada", nil }
	anybody := endpoint.Access{Name: "user", Problems: []*problem.Problem{token.ErrMissing, token.ErrInvalid}, Allow: func(context.Context) error { return nil }}
	protected := func(method, path string) endpoint.Route {
		return endpoint.Protected(anybody, of, method, path, "Who am I", func(_ context.Context, user string, _ endpoint.None) (string, error) { return user, nil })
	}
	login := func(context.Context, credentials) (endpoint.None, error) { return endpoint.None{}, nil }
	keep := func(_ context.Context, _ string, in struct {
		Text string `json:"text"`
	},
	) (int, error) {
		return len(in.Text), nil
	}
	live := func(context.Context, endpoint.None) (string, error) { return "ok", nil }
	engine, err := NewEngine(Options{Settings: settings, Realm: "test", Log: log, LogMore: nothingMore, Authenticate: authenticate, Routes: []endpoint.Route{
		endpoint.Public("GET", "/healthz", "Is it alive", live),
		endpoint.Public("GET", "/readyz", "Can it serve", live).Operation("ready"),
		protected("GET", "/me"), protected("PATCH", "/me").Operation("change"),
		endpoint.Public("POST", "/login", "Sign in", login), endpoint.Public("POST", "/register", "Register", login).Operation("register"),
		endpoint.Public("GET", "/big", "A long answer", func(context.Context, endpoint.None) (string, error) { return strings.Repeat("x", bigAnswer), nil }),
		endpoint.Protected(anybody, of, "POST", "/big", "Keep a long text", keep).Operation("keep"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}
