package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

func BenchmarkIssue(b *testing.B) {
	tokens := auth.NewTokens(settings().JWT)
	id := uuid.Must(uuid.NewV7())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Issue(id, id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify verifies one token again and again, which is then remembered.
func BenchmarkVerify(b *testing.B) {
	tokens := auth.NewTokens(settings().JWT)
	id := uuid.Must(uuid.NewV7())
	token, err := tokens.Issue(id, id)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtected(b *testing.B) {
	engine, token := app(b)
	request := httptest.NewRequest(http.MethodGet, "/protected", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	serve(b, engine, request, "", http.StatusOK)
}

func BenchmarkLoginBadJSON(b *testing.B) {
	engine, _ := app(b)
	request := httptest.NewRequest(http.MethodPost, "/login", nil)
	request.Header.Set("Content-Type", "application/json")
	serve(b, engine, request, `{"email":`, http.StatusBadRequest)
}

// serve sends one request again and again, with a body as of the first time.
func serve(b *testing.B, engine *gin.Engine, request *http.Request, body string, status int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		request.Body = io.NopCloser(strings.NewReader(body))
		recorder := httptest.NewRecorder()
		engine.ServeHTTP(recorder, request)
		if recorder.Code != status {
			b.Fatalf("answered %d: %s", recorder.Code, recorder.Body)
		}
	}
}

func settings() config.Settings {
	settings := config.Defaults()
	settings.JWT.Secret = config.NewSecret()
	return settings
}

// app is the whole API, and a user's token.
func app(b *testing.B) (engine *gin.Engine, token string) {
	b.Helper()
	settings, log := settings(), slog.New(slog.DiscardHandler)
	db, err := database.Open("sqlite://"+b.TempDir()+"/bench.db", log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = database.Close(db) })
	if err := database.Migrate(db); err != nil {
		b.Fatal(err)
	}
	user := models.User{Email: "ada@example.com", Role: models.RoleUser}
	if err := db.Create(&user).Error; err != nil {
		b.Fatal(err)
	}
	services := auth.New(settings, db)
	if engine, err = routes.New(settings, db, services, log); err != nil {
		b.Fatal(err)
	}
	session, err := services.Sessions.Start(b.Context(), user, "", "")
	if err != nil {
		b.Fatal(err)
	}
	token, err = services.Tokens.Issue(user.ID, session.ID)
	if err != nil {
		b.Fatal(err)
	}
	return engine, token
}
