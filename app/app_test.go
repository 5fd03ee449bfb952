package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/app/apptest"
	"example.com/latchkey/commands"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/cli"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

func TestMain(m *testing.M) {
	os.Exit(kit.MainOfProgram(m, func() int { return commands.Run([]app.Part{greeter()}) }))
}

// greeting are the settings of greeter.
type greeting struct {
	Word string `mapstructure:"word"`
}

var errNoCode = &problem.Problem{Status: 401, Code: "code_missing", Detail: "The code is 123456"}

// greeter is a part that does a bit of everything.
func greeter() app.Part {
	return app.Part{
		Name:     "greeter",
		Settings: []config.Section{config.NewSection("greeting", greeting{Word: "Hello"}, nil)},
		Migrations: []*gormigrate.Migration{{
			ID:       "20270101_create_told",
			Migrate:  func(tx *gorm.DB) error { return tx.Exec("CREATE TABLE told (kind text NOT NULL)").Error },
			Rollback: func(tx *gorm.DB) error { return tx.Exec("DROP TABLE told").Error },
		}},
		LoginErrors: []*problem.Problem{errNoCode},
		Commands: func(line app.CommandLine) []*cobra.Command {
			return []*cobra.Command{cli.Group("user", "", &cobra.Command{
				Use: "greet EMAIL", Args: cobra.ExactArgs(1),
				RunE: line.WithUser(func(cmd *cobra.Command, p app.Program, user models.User) error {
					cli.Printf(cmd.OutOrStdout(), "%s %s\n", config.Of[greeting](p.Settings).Word, user.Email)
					return nil
				}),
			})}
		},
		New: greet,
	}
}

func greet(a app.App) app.Running {
	word := config.Of[greeting](a.Settings).Word
	var logins atomic.Int64
	return app.Running{
		Extension: accounts.Extension{
			Hooks: []accounts.Hook{func(tx *gorm.DB, event accounts.Event) error {
				return tx.Exec("INSERT INTO told (kind) VALUES (?)", event.Kind).Error
			}},
			SecondFactors: []accounts.SecondFactor{func(_ accounts.Accounts, _ *gorm.DB, _ models.User, in accounts.Factors) error {
				if in.OTP != "123456" {
					return errNoCode
				}
				return nil
			}},
			OnLogin: []func(error){func(error) { logins.Add(1) }},
			Authenticators: []accounts.Authenticator{func(_ accounts.Accounts, r *http.Request, token string) (is accounts.Identity, known bool, err error) {
				if token != "device" {
					return is, false, nil
				}
				is.By = "device"
				return is, true, a.DB.WithContext(r.Context()).Take(&is.User, "email = ?", r.Header.Get("X-Device")).Error
			}},
			Claims: []accounts.Claims{func(context.Context, models.Session) (map[string]any, error) {
				return map[string]any{"greeted": word}, nil
			}},
			Carriers: []accounts.Carrier{{
				Name: "header",
				Allow: func(ctx context.Context) error {
					if endpoint.Context(ctx).GetHeader("X-Device") == "" {
						return problem.Forbidden
					}
					return nil
				},
				Carry: func(ctx context.Context, session models.Session) error {
					endpoint.Context(ctx).Header("X-Session", session.ID.String())
					return nil
				},
			}},
		},
		Middleware: []gin.HandlerFunc{func(c *gin.Context) { c.Header("X-Greeting", word) }},
		Origins:    []string{"https://greeting.example.com"},
		LogFields: []func(context.Context) []slog.Attr{func(ctx context.Context) []slog.Attr {
			return []slog.Attr{slog.Any("greeted", accounts.ClaimsFrom(ctx)["greeted"])}
		}},
		Figures: []app.Figure{
			{Name: "told", Value: func() float64 { var count int64; a.DB.Table("told").Count(&count); return float64(count) }},
			{Name: "logins", Value: func() float64 { return float64(logins.Load()) }},
		},
		Summary:  []slog.Attr{slog.String("greeter", word)},
		Warnings: func() []string { return []string{"greetings may annoy"} },
		Serve: func(context.Context, app.Program) (app.Background, error) {
			return func(_ context.Context, log *slog.Logger) { log.Info("greeting beside the server") }, nil
		},
		Routes: func(accounts.Accounts) []endpoint.Route {
			return []endpoint.Route{app.Protected("GET", "/greeting", "Greet me", func(_ context.Context, user models.User, _ endpoint.None) (string, error) {
				return word + " " + string(user.Email), nil
			})}
		},
		Pages: func(p app.Program) []endpoint.Route {
			return []endpoint.Route{endpoint.Gin("GET", "/figures", "The figures", func(c *gin.Context) {
				for _, figure := range p.Figures {
					fmt.Fprintln(c.Writer, figure.Name, figure.Value())
				}
			})}
		},
	}
}

func TestAPartDoesAllThatItMay(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := apptest.Launch(t, folder, "APP_GREETING_WORD=Hi").Await()
	run := func(args ...string) string {
		out, faults, _ := kit.Run(t, folder, nil, args...)
		return out + faults
	}
	credentials := apptest.Credentials("ada@example.com")
	s.Want(201, "POST", "/register", credentials)
	access, _ := s.Tokens("/login", strings.Replace(credentials, "{", `{"otp":"123456",`, 1))
	_, claims := kit.DecodeToken(t, access)
	bearer, device := kit.Bearer(access), append(kit.Bearer("device"), "X-Device", "ada@example.com")
	carried := strings.Replace(credentials, "{", `{"session":"header","otp":"123456",`, 1)
	answer, _, err := s.Exchange("POST", "/login", carried, "X-Device", "1", "Origin", "https://greeting.example.com") //nolint:bodyclose // Exchange closes it
	if err != nil {
		t.Fatal(err)
	}
	for claim, c := range map[string]struct{ got, want string }{
		"a route, which reads a setting":            {s.Want(200, "GET", "/greeting", "", bearer...), `"Hi ada@example.com"`},
		"a route, in the document":                  {run("openapi"), `"/greeting": {`},
		"a second factor":                           {s.Want(401, "POST", "/login", credentials), "code_missing"},
		"an error of a login, in the document":      {run("openapi"), `"code": "code_missing"`},
		"an authenticator, which reads the request": {s.Want(200, "GET", "/me", "", device...), "ada@example.com"},
		"an authenticator, which is not a login":    {s.Want(403, "POST", "/logout", "", device...), "This needs a login"},
		"a middleware":                              {answer.Header.Get("X-Greeting"), "Hi"},
		"a carrier of sessions":                     {answer.Status + answer.Header.Get("X-Session"), "204 No Content01"},
		"a carrier, which refuses a login":          {s.Want(403, "POST", "/login", carried), "forbidden"},
		"an origin":                                 {answer.Header.Get("Access-Control-Allow-Credentials"), "true"},
		"a claim":                                   {fmt.Sprint(claims), "greeted:Hi"},
		"a page, with a figure of a hook":           {s.Want(200, "GET", "/figures", ""), "told 3\n"}, // without the refused logins
		"a figure of logins":                        {s.Want(200, "GET", "/figures", ""), "logins 3\n"},
		"a command in a group of the program":       {run("user", "greet", "Ada@example.com"), "Hello ada@example.com\n"},
		"the group's own commands":                  {run("user", "disable", "ada@example.com"), "disabled true"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s: %s, want %s", claim, c.got, c.want)
		}
	}
	for claim, says := range map[string]string{
		"a field of a request": "greeted=Hi", "a summary": "greeter=Hi",
		"a warning": "greetings may annoy", "what runs beside the server": "greeting beside the server",
	} {
		kit.Await(t, "the log has "+claim, func() bool { return strings.Contains(s.Printed(), says) })
	}
}
