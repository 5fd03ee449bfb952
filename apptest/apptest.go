// Package apptest runs the whole API for a test: the real engine, over HTTP, with
// its own database.
package apptest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/jobs"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

// App is a running API.
type App struct {
	t        testing.TB
	URL      string
	Engine   *gin.Engine
	DB       *gorm.DB
	Auth     auth.Services
	Accounts accounts.Accounts
	Settings config.Settings
	Log      *Log

	jobs  []jobs.Handler
	mails chan SentMail
}

// New runs the API until the test ends. It hashes passwords fast, and changes the
// settings with change.
func New(t testing.TB, change ...func(*config.Settings)) *App {
	t.Helper()
	return newApp(t, auth.New, change)
}

// NewHashing is New with the test's own hasher and number of cores.
func NewHashing(t testing.TB, cores int, hasher auth.Hasher, change ...func(*config.Settings)) *App {
	t.Helper()
	return newApp(t, func(settings config.Settings, db *gorm.DB) auth.Services {
		services := auth.New(settings, db)
		services.Passwords = auth.NewPasswords(settings.Password, cores, hasher)
		return services
	}, change)
}

func newApp(t testing.TB, services func(config.Settings, *gorm.DB) auth.Services, change []func(*config.Settings)) *App {
	t.Helper()
	settings := config.Defaults()
	settings.JWT.Secret = config.NewSecret()
	settings.Password.BcryptCost = 4
	settings.Password.MaxWait = time.Hour // so that no test fails on a slow machine
	settings.Register.Open = true         // for the tests of a project that closes it
	settings.Database = MigratedDatabase(t)
	for _, set := range change {
		set(&settings)
	}
	app := &App{t: t, Settings: settings, Log: new(Log)}
	log := slog.New(slog.NewTextHandler(app.Log, nil))
	db := open(t, settings.Database, log)
	app.Auth = services(settings, db)
	all := routes.App{Settings: settings, Log: log, DB: db, Auth: app.Auth, SendMail: mailbox(app)}
	app.jobs, app.Accounts = all.Jobs(), all.Accounts()
	engine, err := all.Engine()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	app.Engine, app.DB, app.URL = engine, db, server.URL
	return app
}

// Log is the API's log. It can be read while the API runs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Answer is a response with its whole body.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request. headers are pairs of names and values. The default
// Content-Type of a body is JSON.
func (a *App) Do(method, path string, body io.Reader, headers ...string) Answer {
	a.t.Helper()
	var sent string
	if text, ok := body.(*strings.Reader); ok {
		all, _ := io.ReadAll(text)
		sent = string(all)
		body = strings.NewReader(sent)
	}
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.URL+a.withBasePath(path), body)
	if err != nil {
		a.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	setHeaders(request, headers)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	answer := Answer{response.StatusCode, response.Header, string(read)}
	a.checkContract(request, sent, answer)
	return answer
}

// Serve passes a request to the engine without the network, for headers that
// http.Client does not send.
func (a *App) Serve(method, path, body string, headers ...string) Answer {
	request := httptest.NewRequestWithContext(context.Background(), method, a.withBasePath(path), strings.NewReader(body))
	setHeaders(request, headers)
	recorder := httptest.NewRecorder()
	a.Engine.ServeHTTP(recorder, request)
	answer := Answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	a.checkContract(request, body, answer)
	return answer
}

// withBasePath adds server.base_path to a path, except to the health checks and to
// paths that have it already.
func (a *App) withBasePath(path string) string {
	base := a.Settings.Server.BasePath
	if path == "/healthz" || path == "/readyz" || base != "" && strings.HasPrefix(path, base+"/") {
		return path
	}
	return base + path
}

func setHeaders(request *http.Request, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		request.Header[http.CanonicalHeaderKey(pairs[i])] = []string{pairs[i+1]}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host // where net/http looks for it
	}
}

// Get sends a GET request.
func (a *App) Get(path string, headers ...string) Answer {
	a.t.Helper()
	return a.Do(http.MethodGet, path, nil, headers...)
}

// Post sends a POST request.
func (a *App) Post(path, body string, headers ...string) Answer {
	a.t.Helper()
	return a.Do(http.MethodPost, path, strings.NewReader(body), headers...)
}

// Password is the password of every test user.
const Password = "correct horse"

// Register creates a user, also if POST /register is closed.
func (a *App) Register(email string) {
	a.t.Helper()
	typed, err := models.NewEmail(email)
	if err == nil {
		ctx := auth.WithClient(a.t.Context(), auth.Client{IP: "127.0.0.1"})
		_, err = a.Accounts.Create(ctx, accounts.NewUser{Email: typed, Password: Password})
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// Login logs a user in. It returns the name and the value of the Authorization header.
func (a *App) Login(email string) []string {
	a.t.Helper()
	bearer, _ := a.Session(email)
	return bearer
}

// Session logs a user in. It returns the Authorization header and the refresh token.
func (a *App) Session(email string) (bearer []string, refresh string) {
	a.t.Helper()
	answer := a.Post("/login", `{"email":"`+email+`","password":"`+Password+`"}`).Want(a.t, 200, "")
	return Bearer(answer.Field("access_token")), answer.Field("refresh_token")
}

// Refresh sends a refresh token to get new tokens.
func (a *App) Refresh(token string) Answer {
	a.t.Helper()
	return a.Post("/refresh", `{"refresh_token":"`+token+`"}`)
}

// User reads a user from the database.
func (a *App) User(email string) *models.User {
	a.t.Helper()
	var user models.User
	if err := a.DB.Take(&user, "email = ?", email).Error; err != nil {
		a.t.Fatal(err)
	}
	return &user
}

// Admin registers an admin and logs in. It returns what Login does.
func (a *App) Admin(email string) (bearer []string) {
	a.t.Helper()
	a.Register(email)
	a.DB.Model(&models.User{}).Where("email = ?", email).Update("role", models.RoleAdmin)
	return a.Login(email)
}

// Signing is a change for New. It signs access tokens with a key of the algorithm.
func Signing(t testing.TB, algorithm string) func(*config.Settings) {
	t.Helper()
	key, known := signingKeys.Load(algorithm)
	if !known {
		key, _ = signingKeys.LoadOrStore(algorithm, NewKey(t, algorithm))
	}
	return func(s *config.Settings) { s.JWT.Algorithm, s.JWT.Key = algorithm, key.(config.PrivateKey) }
}

// signingKeys holds a key of each algorithm. An RSA key takes half a second to make.
var signingKeys sync.Map

// NewKey makes another key of an algorithm.
func NewKey(t testing.TB, algorithm string) config.PrivateKey {
	t.Helper()
	text, err := config.NewKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return config.PrivateKey{Signer: key.(crypto.Signer)}
}

// Bearer returns the name and the value of the Authorization header for a token.
func Bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// Want fails the test if the answer has another status. If code is not empty, it
// also fails the test if the answer is not a complete problem with that code.
func (r Answer) Want(t testing.TB, status int, code string) Answer {
	t.Helper()
	switch {
	case r.Status != status:
		t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	case code == "":
	case r.Header.Get("Content-Type") != "application/problem+json":
		t.Fatalf("Content-Type %q, want a problem", r.Header.Get("Content-Type"))
	case r.Field("code") != code:
		t.Fatalf("code %s, want %s: %s", r.Field("code"), code, r.Body)
	case r.Field("request_id") == "" || r.Field("request_id") != r.Header.Get("X-Request-Id"):
		t.Fatalf("request_id %q, X-Request-ID %q", r.Field("request_id"), r.Header.Get("X-Request-Id"))
	}
	return r
}

// Field returns a string member of the answer's JSON object, or "".
func (r Answer) Field(name string) string {
	var members map[string]any
	_ = json.Unmarshal([]byte(r.Body), &members)
	text, _ := members[name].(string)
	return text
}
