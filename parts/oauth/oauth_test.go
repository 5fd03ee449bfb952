package oauth_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

const form = "application/x-www-form-urlencoded"

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }

func oauthClient(app *apptest.App) *oauth2.Config {
	return &oauth2.Config{ClientID: "any", ClientSecret: "any", Endpoint: oauth2.Endpoint{TokenURL: app.URL + "/token"}}
}

func TestAStandardOAuth2ClientLogsInAndRefreshes(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{"found out": oauth2.AuthStyleAutoDetect, "in the header": oauth2.AuthStyleInHeader, "in the form": oauth2.AuthStyleInParams} {
		t.Run(name, func(t *testing.T) {
			app := apptest.New(t)
			app.Register("ada@example.com")
			client := oauthClient(app)
			client.Endpoint.AuthStyle = style
			start := time.Now()
			token, err := client.PasswordCredentialsToken(t.Context(), "ada@example.com", apptest.Password)
			if err != nil || token.Type() != "Bearer" || token.Expiry.Before(start.Add(15*time.Minute)) || token.RefreshToken == "" {
				t.Fatal(token, err)
			}
			first := *token
			token.Expiry = time.Now() // so it refreshes before its next request
			source := client.TokenSource(t.Context(), token)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/protected", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := oauth2.NewClient(t.Context(), source).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			second, err := source.Token()
			if err != nil || answer.StatusCode != http.StatusOK || second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
				t.Error(answer.StatusCode, err)
			}
		})
	}
}

func TestAStandardOAuth2ClientUnderstandsAnError(t *testing.T) {
	app := apptest.New(t)
	_, err := oauthClient(app).PasswordCredentialsToken(t.Context(), "ada@example.com", "wrong")
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" || refused.ErrorDescription != "Incorrect username or password" {
		t.Error(err)
	}
}

func TestTokenGrants(t *testing.T) {
	app, _, refresh := apptest.SignedIn(t)
	app.Register("out@example.com")
	app.DB.Model(app.User("out@example.com")).Update("disabled", true)
	used := app.Refresh(refresh).Field("refresh_token")
	app.Refresh(app.Refresh(used).Field("refresh_token")).Want(t, 200, "")
	_, live := app.Session("ada@example.com")
	const password = "username=ada@example.com&password=correct+horse"
	for claim, c := range map[string]struct {
		body        string
		status      int
		wrong, says string
	}{
		"a password":                        {"grant_type=password&" + password, 200, "", `"refresh_token"`},
		"with an empty scope":               {"grant_type=password&scope=&client_id=x&" + password, 200, "", ""},
		"with a scope, which is ignored":    {"grant_type=password&scope=openid+admin&" + password, 200, "", ""},
		"a refresh token":                   {"grant_type=refresh_token&refresh_token=" + live, 200, "", `"refresh_token"`},
		"a wrong password":                  {"grant_type=password&username=ada@example.com&password=x", 400, "invalid_grant", "Incorrect username or password"},
		"a disabled account":                {"grant_type=password&username=out@example.com&password=correct+horse", 400, "invalid_grant", "Account disabled"},
		"a forged refresh token":            {"grant_type=refresh_token&refresh_token=x", 400, "invalid_grant", "Invalid token"},
		"a used refresh token":              {"grant_type=refresh_token&refresh_token=" + refresh, 400, "invalid_grant", "Token revoked"},
		"no grant type":                     {"", 400, "invalid_request", "grant_type is missing"},
		"another grant type":                {"grant_type=client_credentials", 400, "unsupported_grant_type", "grant_type is password or refresh_token"},
		"a password grant without one":      {"grant_type=password&username=a", 400, "invalid_request", "needs username and password"},
		"a refresh grant without token":     {"grant_type=refresh_token", 400, "invalid_request", "needs refresh_token"},
		"a parameter twice":                 {"grant_type=password&grant_type=password&" + password, 400, "invalid_request", "grant_type is given more than once"},
		"a password over bcrypt's 72 bytes": {"grant_type=password&username=a&password=" + strings.Repeat("x", 73), 400, "invalid_request", "password must have at most 72 bytes"},
		"an invalid form":                   {"grant_type=%zz", 400, "invalid_request", "not well formed"},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Post("/token", c.body, "Content-Type", form).Want(t, c.status, "")
			if answer.Field("error") != c.wrong || !strings.Contains(answer.Body, c.says) || answer.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
				t.Errorf("answered %s, want %s %s", answer.Body, c.wrong, c.says)
			}
		})
	}
	app.Post("/token", "{}").Want(t, 415, "unsupported_media_type")
	app.Post("/token", strings.Repeat("x", 1<<16+1), "Content-Type", form).Want(t, 413, "body_too_large")
}

func TestRevocations(t *testing.T) {
	app := apptest.New(t)
	for claim, c := range map[string]struct {
		body   func(access, refresh string) string
		status int
		ended  bool
	}{
		"a refresh token":        {func(_, refresh string) string { return "token=" + refresh }, 200, true},
		"an access token":        {func(access, _ string) string { return "token=" + access }, 200, true},
		"with the right hint":    {func(_, refresh string) string { return "token_type_hint=refresh_token&token=" + refresh }, 200, true},
		"with a wrong hint":      {func(access, _ string) string { return "token_type_hint=refresh_token&token=" + access }, 200, true},
		"with an unknown hint":   {func(access, _ string) string { return "token_type_hint=x&token=" + access }, 200, true},
		"an unknown token":       {func(string, string) string { return "token=x" }, 200, false},
		"a forged refresh token": {func(_, refresh string) string { return "token=" + kit.Flip(refresh) }, 200, false},
		"a forged access token":  {func(access, _ string) string { return "token=" + access + "x" }, 200, false},
		"no token":               {func(string, string) string { return "" }, 400, false},
		"another parameter name": {func(access, _ string) string { return "access_token=" + access }, 400, false},
	} {
		t.Run(claim, func(t *testing.T) {
			bearer, refresh := app.NewUser()
			for range 2 { // the second time, the session has ended
				answer := app.Post("/revoke", c.body(bearer[1][len("Bearer "):], refresh), "Content-Type", form).Want(t, c.status, "")
				if c.status == 400 && answer.Field("error") != "invalid_request" {
					t.Error(answer.Body)
				}
			}
			status, code := 200, ""
			if c.ended {
				status, code = 401, "token_revoked"
			}
			app.Get("/protected", bearer...).Want(t, status, code)
			app.Refresh(refresh).Want(t, status, code)
		})
	}
	_, refresh := app.NewUser()
	app.DB.Where("true").Delete(&models.User{})
	app.Post("/revoke", "token="+refresh, "Content-Type", form).Want(t, 200, "")
}

func TestOAuth2InputIsLimited(t *testing.T) {
	app := apptest.New(t)
	for claim, c := range map[string]struct{ body, says string }{
		"an email of 1,017 bytes": {"grant_type=password&password=x&username=" + strings.Repeat("x", 1017), "username must be a maximum of 254 characters in length"},
		"20,000 names":            {strings.Repeat("a&", 20_000), "The form has over 10,000 fields"},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Serve("POST", "/token", c.body, "Content-Type", form)
			if answer.Status != 400 || answer.Field("error") != "invalid_request" || answer.Field("error_description") != c.says {
				t.Errorf("%d %s", answer.Status, answer.Body)
			}
		})
	}
}

func TestARevocationWithoutTheDatabaseIs503(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	_, refresh := app.Session("ada@example.com")
	if err := database.Close(app.DB); err != nil {
		t.Fatal(err)
	}
	app.Post("/revoke", "token="+refresh, "Content-Type", form).Want(t, 503, "unavailable")
}

func TestTheTokenURLFollowsTheBasePath(t *testing.T) {
	app := apptest.New(t, func(s *config.Settings) { s.Server.BasePath = "/v1" })
	if document, err := routes.Document(app.Program); err != nil || !strings.Contains(string(document), `"tokenUrl":"token"`) {
		t.Error(err, string(document[:1000]))
	}
}

func TestMetadataIsThereIfTheIssuerIsAURL(t *testing.T) {
	const path = "/.well-known/oauth-authorization-server"
	apptest.New(t).Get(path).Want(t, 404, "not_found")
	for public, at := range map[string]string{
		"":                             "https://api.example.com/v1",
		"https://www.example.com/api/": "https://www.example.com/api/v1", // a proxy removes /api
	} {
		app := apptest.New(t, func(s *config.Settings) {
			s.JWT.Issuer, s.Server.PublicURL, s.Server.BasePath = "https://api.example.com", public, "/v1"
		})
		found := app.Get(path).Want(t, 200, "")
		for name, want := range map[string]string{ //nolint:gosec // URLs, not credentials
			"issuer": "https://api.example.com", "token_endpoint": at + "/token", "revocation_endpoint": at + "/revoke", "jwks_uri": at + "/.well-known/jwks.json",
		} {
			if found.Field(name) != want {
				t.Errorf("%s is %v, want %s", name, found.Field(name), want)
			}
		}
	}
}
