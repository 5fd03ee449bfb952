package mail_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/models"
	"example.com/latchkey/parts/mail"
)

var inlined = regexp.MustCompile(`(?s)<(?:style|script)[^>]*>(.*?)</(?:style|script)>`)

func TestThePagesOfMailsAreWhereTheyAreNeeded(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for claim, c := range map[string]struct {
		change                func(*config.Settings)
		reset, verify, mailed int
	}{
		"in development":        {func(*config.Settings) {}, 200, 200, 200},
		"in production":         {func(s *config.Settings) { s.Environment = settings.Production }, 200, 200, 404},
		"with a mail server":    {func(s *config.Settings) { config.Of[mail.Settings](*s).URL = "smtp://localhost" }, 200, 200, 404},
		"with a page to reset":  {func(s *config.Settings) { config.Of[mail.Settings](*s).ResetURL = "https://app.example.com" }, 405, 200, 200},
		"with a page to verify": {func(s *config.Settings) { config.Of[mail.Settings](*s).VerifyURL = "https://app.example.com" }, 200, 405, 200},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Chdir(t.TempDir())
			app := apptest.New(t, c.change)
			for path, want := range map[string]int{"/password/reset?token=x": c.reset, "/email/verify?token=x": c.verify, "/dev/mail": c.mailed} {
				answer := app.Get(path)
				if answer.Status != want {
					t.Errorf("%s is answered %d, want %d", path, answer.Status, want)
				}
				policy := answer.Header.Get("Content-Security-Policy")
				if want == 200 && (!strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || answer.Header.Get("Cache-Control") != "no-store") {
					t.Errorf("%s: %s", path, policy)
				}
				read := strings.ReplaceAll(answer.Body, "\r\n", "\n") // as a browser reads a page before it compares hashes
				for _, inline := range inlined.FindAllStringSubmatch(read, -1) {
					hash := sha256.Sum256([]byte(inline[1]))
					if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'") {
						t.Errorf("%s: %s does not allow %s", path, policy, inline[1])
					}
				}
			}
		})
	}
}

func TestAMailIsShownWithLinksThatWork(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	t.Chdir(t.TempDir())
	app := apptest.New(t, func(s *config.Settings) { s.Server.BasePath, s.Server.PublicURL = "/v1", "https://api.example.com" })
	for _, mailed := range [][2]string{
		{"first@example.com", "https://app.example.org/verify?a=1&token=x"},
		{"quoted@example.com", `https://app.example.org/o'neil"onclick="x`},
		{"tagged@example.com", "https://app.example.org/</a><script>x"},
		{"last@example.com", "https://api.example.com/v1/email/verify?token=x"},
	} {
		keep(t, app, mailed[0], "verify", mail.Content{Email: models.Email(mailed[0]), Link: mailed[1], TTL: time.Hour})
	}
	list := app.Get("/v1/dev/mail").Want(t, 200, "").Body
	for _, want := range []string{
		`href="../email/verify?token=x"`, `href="https://app.example.org/verify?a=1&amp;token=x"`,
		`<a href="https://app.example.org/o&#39;neil">https://app.example.org/o&#39;neil</a>&#34;onclick=&#34;x`,
		`<a href="https://app.example.org/">https://app.example.org/</a>&lt;/a&gt;&lt;script&gt;x`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	if strings.Index(list, "last@example.com") > strings.Index(list, "first@example.com") {
		t.Error("the newest is not the first")
	}
	_, id, _ := strings.Cut(list, `href="mail/`)
	id, _, _ = strings.Cut(id, `"`)
	if page := app.Get("/v1/dev/mail/"+id).Want(t, 200, ""); !strings.Contains(page.Body, `href="../../email/verify?token=x"`) {
		t.Error(page.Body)
	}
	app.Get("/v1/dev/mail/nothing").Want(t, 404, "not_found")
	app.Get("/v1/dev/mail/..%2f..%2fconfig.yaml").Want(t, 404, "not_found")
}

func TestMailsAreShownUnderLoopbackNamesOnly(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	t.Chdir(t.TempDir())
	app := apptest.New(t)
	keep(t, app, "ada@example.com", "password_changed", mail.Content{Email: "ada@example.com"})
	_, id, _ := strings.Cut(app.Get("/dev/mail").Want(t, 200, "").Body, `href="mail/`)
	id, _, _ = strings.Cut(id, `"`)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST.:8080": 200, "app.localhost:8080": 200,
		"127.0.0.1": 200, "127.8.9.10:80": 200, "[::1]:8080": 200, "[::1]": 200,
		"rebound.example:8080": 403, "localhost.example": 403, "notlocalhost": 403, "127.0.0.1.example": 403,
		"192.168.1.2:8080": 403, "0.0.0.0:8080": 403, "[::]": 403, "[2001:db8::1]:8080": 403, "127.0.0.1@rebound.example": 403,
	} {
		for _, path := range []string{"/dev/mail", "/dev/mail/" + id} {
			if answer := app.Serve("GET", path, "", "Host", host); answer.Status != want || want == 403 && strings.Contains(answer.Body, "ada@") {
				t.Errorf("%s at %s is answered %d", path, host, answer.Status)
			}
		}
	}
	app.Get("/dev/mail", "Host", "rebound.example", "X-Forwarded-Host", "localhost").Want(t, 403, "forbidden")
}

func TestAFileThatIsNoMailHidesNoOthers(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	t.Chdir(t.TempDir())
	app := apptest.New(t)
	send := func() { keep(t, app, "ada@example.com", "password_changed", mail.Content{Email: "ada@example.com"}) }
	send()
	const broken, folder = "01900000-0000-7000-8000-000000000000", "01900000-0000-7000-8000-000000000001"
	if err := errors.Join(
		os.WriteFile("data/mail/"+broken+".json", []byte("Subject: \xff\r\n"), 0o600),
		os.WriteFile("data/mail/<note>.json", []byte("To: bob@example.com\r\nSubject: hand-made\r\n\r\n"), 0o600),
		os.MkdirAll("data/mail/"+folder+".json/full", 0o700),
	); err != nil {
		t.Fatal(err)
	}
	list := app.Get("/dev/mail").Want(t, 200, "").Body
	for _, want := range []string{"to ada@example.com", broken + ".json cannot be read", folder + ".json cannot be read", "&lt;note&gt;.json cannot be read"} {
		if strings.Count(list, want) != 1 {
			t.Errorf("not once %q in\n%s", want, list)
		}
	}
	app.Get("/dev/mail/"+broken).Want(t, 404, "not_found")
	for range 100 { // and the folder, which cannot be pruned, does not make a mail fail
		send()
	}
}
