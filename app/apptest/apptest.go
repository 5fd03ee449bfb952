// Package apptest runs the whole API for a test: the real engine, over HTTP, with
// its own database.
package apptest

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/commands"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
	"example.com/latchkey/parts"
	"example.com/latchkey/routes"
)

// App is a running API.
type App struct {
	*kit.App
	t        testing.TB
	Program  app.Program
	Auth     accounts.Services
	Accounts accounts.Accounts
	Settings config.Settings

	messages chan Message
}

// program keeps the databases of tests.
var program = kit.NewProgram(app.Schema(parts.All()), func() ([]byte, error) { return routes.Document(Described()) })

// Settings returns the default settings, with the sections of all parts.
func Settings() config.Settings { return config.Defaults(app.Sections(parts.All())...) }

// Described is the program with its default settings. It has a table of routes, but cannot
// serve.
func Described() app.Program { return app.New(app.App{Settings: Settings(), Parts: parts.All()}) }

// Main runs the tests of a package, some of which run the program itself.
func Main(m *testing.M) (code int) {
	return kit.MainOfProgram(m, func() int { return commands.Run(parts.All()) })
}

// New runs the API until the test ends. It hashes passwords fast, and changes the
// settings with change.
func New(t testing.TB, change ...func(*config.Settings)) *App {
	t.Helper()
	s := Settings()
	s.JWT.Secret = settings.NewSecret()
	s.Password.BcryptCost = 4
	s.Password.MaxWait = time.Hour // so that no test fails on a slow machine
	s.Register.Open = true         // for the tests of a project that closes it
	s.Database = program.MigratedDatabase(t)
	for _, set := range change {
		set(&s)
	}
	a := &App{t: t, Settings: s}
	a.App = program.Start(t, s.Database, func(log *slog.Logger, db *gorm.DB) (kit.Running, error) {
		a.Auth = accounts.NewServices(s, db)
		a.Program = app.New(app.App{Settings: s, Log: log, DB: db, Auth: a.Auth, Parts: parts.All(), Send: mailbox(a)})
		a.Accounts = a.Program.Accounts
		engine, err := routes.Engine(a.Program)
		return kit.Running{
			Engine: engine, Routes: routes.Table(a.Program), Jobs: a.Program.Jobs, BasePath: s.Server.BasePath,
			User:   func(email string) []string { a.Register(email); return a.Login(email) },
			Admin:  a.Admin,
			Remove: a.remove,
		}, err
	})
	return a
}

// MigratedDatabase makes a database with all migrations and empty tables, for a test
// that does not change its schema.
func MigratedDatabase(t testing.TB) database.Settings {
	t.Helper()
	return program.MigratedDatabase(t)
}

// Open opens and migrates a database, which is closed when the test ends.
func Open(t testing.TB, settings database.Settings, log *slog.Logger) *gorm.DB {
	t.Helper()
	return program.Open(t, settings, log)
}

// Password is the password of every test user.
const Password = "correct horse"

// Register creates a user, also if POST /register is closed.
func (a *App) Register(email string) {
	a.t.Helper()
	typed, err := models.NewEmail(email)
	if err == nil {
		ctx := client.With(a.t.Context(), client.Client{IP: "127.0.0.1"})
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
	return kit.Bearer(answer.Field("access_token")), answer.Field("refresh_token")
}

// SignedIn runs the API with a session of a new user.
func SignedIn(t testing.TB, change ...func(*config.Settings)) (a *App, bearer []string, refresh string) {
	t.Helper()
	a = New(t, change...)
	bearer, refresh = a.NewUser()
	return a, bearer, refresh
}

// NewUser deletes all users, and starts a session of a new one.
func (a *App) NewUser() (bearer []string, refresh string) {
	a.t.Helper()
	a.DB.Where("true").Delete(&models.User{})
	a.Register("ada@example.com")
	return a.Session("ada@example.com")
}

// Refresh sends a refresh token to get new tokens.
func (a *App) Refresh(token string) kit.Answer {
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

func (a *App) remove(email string) (id any) {
	user := a.User(email)
	a.DB.Delete(user)
	return user.ID
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
	return func(s *config.Settings) { s.JWT.Algorithm, s.JWT.Key = algorithm, key.(token.PrivateKey) }
}

// signingKeys holds a key of each algorithm. An RSA key takes half a second to make.
var signingKeys sync.Map

// NewKey makes another key of an algorithm.
func NewKey(t testing.TB, algorithm string) token.PrivateKey {
	t.Helper()
	key, err := token.GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Snapshot returns a function that restores all users and sessions as they are now. To
// register and log in again takes longer than most rounds.
func (a *App) Snapshot() (restore func()) {
	a.t.Helper()
	var users []models.User
	var sessions []models.Session
	if err := errors.Join(a.DB.Find(&users).Error, a.DB.Find(&sessions).Error); err != nil {
		a.t.Fatal(err)
	}
	return func() {
		err := a.DB.Where("true").Delete(&models.User{}).Error
		if err := errors.Join(err, a.DB.Create(&users).Error, a.DB.Create(&sessions).Error); err != nil {
			a.t.Fatal(err)
		}
	}
}
