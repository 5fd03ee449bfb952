package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app"
	secrets "example.com/latchkey/kit/settings"
	"example.com/latchkey/parts"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"
	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

func BenchmarkIssue(b *testing.B) {
	tokens := token.New(settings().JWT.Settings)
	id := uuid.Must(uuid.NewV7())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Issue(token.Claims{Subject: id, Session: id}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify verifies the same token each time, so it is cached.
func BenchmarkVerify(b *testing.B) {
	tokens := token.New(settings().JWT.Settings)
	id := uuid.Must(uuid.NewV7())
	issued, err := tokens.Issue(token.Claims{Subject: id, Session: id})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(issued); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyUncached verifies a new token of another process each time, so it is
// not cached.
func BenchmarkVerifyUncached(b *testing.B) {
	settings := settings().JWT.Settings
	issuer, tokens := token.New(settings), token.New(settings)
	id := uuid.Must(uuid.NewV7())
	var fresh []string
	b.ReportAllocs()
	for b.Loop() {
		if len(fresh) == 0 {
			b.StopTimer()
			for range 1000 {
				made, err := issuer.Issue(token.Claims{Subject: id, Session: id})
				if err != nil {
					b.Fatal(err)
				}
				fresh = append(fresh, made)
			}
			b.StartTimer()
		}
		if _, err := tokens.Verify(fresh[0]); err != nil {
			b.Fatal(err)
		}
		fresh = fresh[1:]
	}
}

// BenchmarkRefreshToken makes and parses a refresh token.
func BenchmarkRefreshToken(b *testing.B) {
	services, claims := sessions(b, 1)
	session := models.Session{Base: models.Base{ID: claims[0].Session}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := services.Sessions.IDFromRefreshToken(services.Sessions.RefreshToken(session)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefresh refreshes a session, each time with its newest token.
func BenchmarkRefresh(b *testing.B) {
	settings := settings()
	db, user := withUser(b)
	sessions := accounts.NewServices(settings, db).Sessions
	session, err := sessions.Start(db, user.ID, client.Client{})
	b.ReportAllocs()
	for b.Loop() {
		if err == nil {
			session, err = sessions.Refresh(b.Context(), sessions.RefreshToken(session), nil) // nobody steals it
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBindAndWrite reads, validates and writes a body.
func BenchmarkBindAndWrite(b *testing.B) {
	type thing struct {
		Title string     `json:"title" binding:"required,max=200"`
		Body  string     `json:"body" binding:"max=10000"`
		DueAt *time.Time `json:"due_at"`
	}
	engine := gin.New()
	route := endpoint.Public(http.MethodPost, "/", "", func(_ context.Context, in thing) (thing, error) { return in, nil })
	engine.POST("/", route.Handlers()...)
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	request.Header.Set("Content-Type", "application/json")
	serve(b, engine, request, `{"title":"Milk","body":"Two pints","due_at":"2026-11-23T12:00:00Z"}`, http.StatusOK)
}

func BenchmarkNotesPage(b *testing.B) {
	engine, token := newAPI(b)
	for range 20 {
		request := httptest.NewRequest(http.MethodPost, "/notes", strings.NewReader(note))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		if engine.ServeHTTP(recorder, request); recorder.Code == http.StatusNotFound {
			b.Skip("there are no notes")
		}
	}
	request := httptest.NewRequest(http.MethodGet, "/notes", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	serve(b, engine, request, "", http.StatusOK)
}

// BenchmarkUser checks the same session each time, so it is cached.
func BenchmarkUser(b *testing.B) {
	services, claims := sessions(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := services.Sessions.User(b.Context(), claims[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvalidateAmongMany invalidates the sessions of a user while the cache is full of other
// sessions.
func BenchmarkInvalidateAmongMany(b *testing.B) {
	services, claims := sessions(b, 50_000)
	for _, each := range claims {
		if _, err := services.Sessions.User(b.Context(), each); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		services.Sessions.Invalidate(uuid.Nil)
	}
}

func BenchmarkProtected(b *testing.B) {
	engine, token := newAPI(b)
	request := httptest.NewRequest(http.MethodGet, "/protected", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	serve(b, engine, request, "", http.StatusOK)
}

func BenchmarkLoginRefused(b *testing.B) {
	engine, _ := newAPI(b)
	request := httptest.NewRequest(http.MethodPost, "/login", nil)
	request.Header.Set("Content-Type", "application/json")
	for status := 0; status != http.StatusTooManyRequests; {
		request.Body = io.NopCloser(strings.NewReader(wrongCredentials))
		recorder := httptest.NewRecorder()
		engine.ServeHTTP(recorder, request)
		status = recorder.Code
	}
	serve(b, engine, request, wrongCredentials, http.StatusTooManyRequests)
}

func BenchmarkLoginBadJSON(b *testing.B) {
	engine, _ := newAPI(b)
	request := httptest.NewRequest(http.MethodPost, "/login", nil)
	request.Header.Set("Content-Type", "application/json")
	serve(b, engine, request, `{"email":`, http.StatusBadRequest)
}

// serve sends the same request each time, and resets its body.
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
	settings := config.Defaults(app.Sections(parts.All())...)
	settings.JWT.Secret = secrets.NewSecret()
	settings.Password.BcryptCost = bcrypt.MinCost
	return settings
}

// sessions makes n sessions of one user.
func sessions(b *testing.B, n int) (accounts.Services, []token.Claims) {
	b.Helper()
	settings := settings()
	settings.JWT.RevocationLag = time.Hour
	db, user := withUser(b)
	now := db.NowFunc()
	rows, claims := make([]models.Session, n), make([]token.Claims, n)
	for i := range rows {
		rows[i] = models.Session{Base: models.Base{ID: uuid.Must(uuid.NewV7())}, UserID: user.ID, LastUsedAt: now, ExpiresAt: now.Add(time.Hour)}
		claims[i] = token.Claims{Subject: user.ID, Session: rows[i].ID}
	}
	if err := db.CreateInBatches(rows, 500).Error; err != nil {
		b.Fatal(err)
	}
	return accounts.NewServices(settings, db), claims
}

func withUser(b *testing.B) (*gorm.DB, models.User) {
	b.Helper()
	db, err := database.Open(database.Settings{URL: "sqlite://" + b.TempDir() + "/bench.db"}, app.Schema(parts.All()), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = database.Close(db) })
	user := models.User{Email: "ada@example.com", Role: models.RoleUser}
	if err := errors.Join(database.Migrate(db), db.Create(&user).Error); err != nil {
		b.Fatal(err)
	}
	return db, user
}

// newAPI returns the whole API and the token of a user.
func newAPI(b *testing.B, change ...func(*config.Settings)) (engine *gin.Engine, bearer string) {
	b.Helper()
	settings := settings()
	for _, set := range change {
		set(&settings)
	}
	db, user := withUser(b)
	services := accounts.NewServices(settings, db)
	engine, err := routes.Engine(app.New(app.App{Settings: settings, Log: slog.New(slog.DiscardHandler), DB: db, Auth: services, Parts: parts.All()}))
	if err != nil {
		b.Fatal(err)
	}
	session, err := services.Sessions.Start(db, user.ID, client.Client{})
	if err != nil {
		b.Fatal(err)
	}
	bearer, err = services.Tokens.Issue(token.Claims{Subject: user.ID, Session: session.ID})
	if err != nil {
		b.Fatal(err)
	}
	return engine, bearer
}
