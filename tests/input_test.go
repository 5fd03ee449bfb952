package tests

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/token"
)

// endless never ends. It is sent in chunks, because it has no length.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

func TestBadBodies(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	const media = "application/json"
	cases := map[string]struct {
		media  string
		body   io.Reader
		status int
		code   string
		says   string
	}{
		"empty":                    {media, strings.NewReader(""), 400, "malformed_body", "The body is empty"},
		"white space":              {media, strings.NewReader(" \n"), 400, "malformed_body", "The body is empty"},
		"null":                     {media, strings.NewReader("null"), 400, "malformed_body", "not a JSON object"},
		"a list":                   {media, strings.NewReader("[]"), 400, "malformed_body", "not a JSON object"},
		"a string":                 {media, strings.NewReader(`"x"`), 400, "malformed_body", "not a JSON object"},
		"a number":                 {media, strings.NewReader("1e999"), 400, "malformed_body", "not a JSON object"},
		"truncated":                {media, strings.NewReader(`{"email":`), 400, "malformed_body", "breaks at byte 9"},
		"an extra comma":           {media, strings.NewReader(`{"email":"a@b.cd",}`), 400, "malformed_body", "breaks at byte 17"},
		"single quotes":            {media, strings.NewReader(`{'email':1}`), 400, "malformed_body", "breaks at byte 1"},
		"a repeated key":           {media, strings.NewReader(`{"email":1,"email":2}`), 400, "malformed_body", "duplicate"},
		"a repeated key, escaped":  {media, strings.NewReader(`{"email":1,"\u0065mail":2}`), 400, "malformed_body", "duplicate"},
		"a nested repeated key":    {media, strings.NewReader(`{"email":{"a":1,"a":2}}`), 400, "malformed_body", "duplicate"},
		"a second value":           {media, strings.NewReader(`{}{}`), 400, "malformed_body", "breaks at byte 2"},
		"a BOM":                    {media, strings.NewReader("\ufeff{}"), 400, "malformed_body", "breaks at byte 0"},
		"not UTF-8":                {media, strings.NewReader("{\"email\":\"\xff\"}"), 400, "malformed_body", "UTF-8"},
		"half a surrogate pair":    {media, strings.NewReader(`{"email":"\ud800"}`), 400, "malformed_body", "breaks at byte"},
		"a raw NUL":                {media, strings.NewReader("{\"email\":\"\x00\"}"), 400, "malformed_body", "breaks at byte"},
		"UTF-16":                   {media, strings.NewReader("\xff\xfe{\x00}\x00"), 400, "malformed_body", "UTF-8"},
		"12,000 levels deep":       {media, strings.NewReader(strings.Repeat(`{"a":`, 12_000)), 400, "malformed_body", "breaks at byte"},
		"an escaped NUL":           {media, strings.NewReader(`{"email":"a\u0000","password":"\u0000"}`), 422, "validation_failed", `{"field":"email","message":"must not hold the character U+0000"}`},
		"wrong types":              {media, strings.NewReader(`{"email":1,"password":["x"]}`), 422, "validation_failed", `{"field":"email","message":"must be a string"},{"field":"password","message":"must be a string"}`},
		"nulls":                    {media, strings.NewReader(`{"email":null,"password":null}`), 422, "validation_failed", `"email"`},
		"an empty object":          {media, strings.NewReader(`{}`), 422, "validation_failed", `{"field":"email","message":"is a required field"},{"field":"password","message":"is a required field"}`},
		"unknown fields":           {media, strings.NewReader(`{"admin":true}`), 422, "validation_failed", `{"field":"admin","message":"is not a field of this request"}`},
		"a field in capitals":      {media, strings.NewReader(`{"Email":"a@b.cd"}`), 422, "validation_failed", `{"field":"Email","message":"is not a field of this request"}`},
		"a password over 72 bytes": {media, strings.NewReader(`{"email":"a@b.cd","password":"` + strings.Repeat("x", 73) + `"}`), 422, "validation_failed", "must have at most 72 bytes"},
		"64 KiB and a byte":        {media, strings.NewReader(`{"email":"` + strings.Repeat("x", 1<<16-11) + `"}`), 413, "body_too_large", "65536 bytes"},
		"an endless body":          {media, endless{}, 413, "body_too_large", "65536 bytes"},
		"no content type":          {"", strings.NewReader(`{}`), 415, "unsupported_media_type", "application/json"},
		"a text":                   {"text/plain", strings.NewReader(`{}`), 415, "unsupported_media_type", "application/json"},
		"JSON in Latin-1":          {media + "; charset=latin1", strings.NewReader(`{}`), 415, "unsupported_media_type", "UTF-8"},
		"a broken content type":    {"application/json; =", strings.NewReader(`{}`), 415, "unsupported_media_type", "application/json"},
	}
	for _, route := range []string{"/register", "/login"} {
		for claim, c := range cases {
			t.Run(route+"/"+claim, func(t *testing.T) {
				if seeker, ok := c.body.(io.Seeker); ok {
					_, _ = seeker.Seek(0, io.SeekStart)
				}
				answer := app.Do("POST", route, c.body, "Content-Type", c.media)
				if c.status == 0 {
					if answer.Status >= 500 {
						t.Errorf("answered %s", answer.Body)
					}
					return
				}
				if answer.Want(t, c.status, c.code); !strings.Contains(answer.Body, strings.ReplaceAll(c.says, `\`, `\\`)) {
					t.Errorf("answered %s, want %s", answer.Body, c.says)
				}
			})
		}
	}
}

func TestBadForms(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	for claim, c := range map[string]struct {
		body   string
		status int
		code   string
		says   string
	}{
		"empty":             {"", 422, "validation_failed", `{"field":"password","message":"is a required field"},{"field":"username","message":"is a required field"}`},
		"empty values":      {"username=&password=", 422, "validation_failed", `"username"`},
		"email as the name": {"email=a@b.cd&password=x", 422, "validation_failed", `"username"`},
		"a name twice":      {"username=a&username=b&password=x", 422, "validation_failed", "more than once"},
		"a broken escape":   {"username=%zz&password=x", 400, "malformed_body", "form"},
		"a semicolon":       {"username=a;password=x", 400, "malformed_body", "form"},
		"not UTF-8":         {"username=%ff&password=x", 422, "validation_failed", "UTF-8"},
		"73 bytes":          {"username=a&password=" + strings.Repeat("x", 73), 422, "validation_failed", "72 bytes"},
		"over 64 KiB":       {"username=" + strings.Repeat("x", 1<<16), 413, "body_too_large", "65536"},
		"a NUL":             {"username=%00&password=x", 422, "validation_failed", `{"field":"username","message":"must not hold the character U+0000"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Post("/login", c.body, "Content-Type", form).Want(t, c.status, c.code)
			if !strings.Contains(answer.Body, c.says) {
				t.Errorf("answered %s, want %s", answer.Body, c.says)
			}
		})
	}
	app.Post("/register", "email=a@b.cd", "Content-Type", form).Want(t, 415, "unsupported_media_type")
	app.Post("/login", "{}", "Content-Encoding", "gzip").Want(t, 415, "unsupported_media_type")
}

func TestAuthorizationHeaders(t *testing.T) {
	app := apptest.New(t)
	app.Register("ada@example.com")
	good := strings.TrimPrefix(app.Login("ada@example.com")[1], "Bearer ")
	for claim, c := range map[string]struct {
		header string
		status int
		code   string
	}{
		"as in RFC 6750":             {"Bearer " + good, 200, ""},
		"the scheme in lower case":   {"bearer " + good, 200, ""},
		"several spaces":             {"Bearer   " + good, 200, ""},
		"nothing":                    {"", 401, "token_missing"},
		"the scheme alone":           {"Bearer", 401, "token_missing"},
		"another scheme":             {"Basic YTpi", 401, "token_missing"},
		"a token without its scheme": {good, 401, "token_missing"},
		"a longer scheme":            {"Bearers " + good, 401, "token_missing"},
		"a tab":                      {"Bearer\t" + good, 401, "token_missing"},
		"the scheme twice":           {"Bearer Bearer " + good, 401, "token_invalid"},
		"text after the token":       {"Bearer " + good + " x", 401, "token_invalid"},
		"two tokens by comma":        {"Bearer " + good + ", Bearer " + good, 401, "token_invalid"},
		"letters outside ASCII":      {"Bearer é\xff", 401, "token_invalid"},
		"50 KB of dots":              {"Bearer " + strings.Repeat(".", 50_000), 401, "token_invalid"},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Get("/protected", "Authorization", c.header).Want(t, c.status, c.code)
			if challenge := answer.Header.Get("WWW-Authenticate"); c.code == "token_missing" && challenge != `Bearer realm="latchkey"` {
				t.Errorf("challenge %s", challenge)
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	app, good, bad := attackedApp(f, token.HS256)
	f.Add(good[1])
	for _, attack := range bad {
		f.Add("Bearer " + attack[0])
	}
	f.Fuzz(func(t *testing.T, header string) {
		status := app.Serve("GET", "/protected", "", "Authorization", header).Status
		if status != 401 && (status != 200 || !strings.HasSuffix(header, strings.TrimPrefix(good[1], "Bearer "))) {
			t.Errorf("%q is answered %d", header, status)
		}
	})
}

func FuzzRefresh(f *testing.F) {
	app, _, good := apptest.SignedIn(f, func(s *config.Settings) { s.JWT.RefreshGrace = time.Hour }) // the fuzzer uses it often
	for _, seed := range []string{good, kit.Flip(good), kit.SetUnusedBit(good), good + "=", "", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		body, _ := json.Marshal(map[string]string{"refresh_token": token})
		status := app.Serve("POST", "/refresh", string(body), "Content-Type", "application/json").Status
		if (status != 401 && status != 422) != (token == good) {
			t.Errorf("%q is answered %d", token, status)
		}
	})
}

func FuzzLogin(f *testing.F) {
	app := apptest.New(f, func(s *config.Settings) { s.Login.MaxFailures = 1_000_000 })
	for _, seed := range []string{`{"email":"a@b.cd","password":"x"}`, `{"email":1}`, `[]`, `{"a":1,"a":2}`, "\ufeff{}"} {
		f.Add("application/json", seed)
	}
	f.Add(form, "username=a&password=b")
	f.Fuzz(func(t *testing.T, media, body string) {
		answer := app.Serve("POST", "/login", body, "Content-Type", media)
		switch answer.Status {
		case 400, 401, 413, 415, 422:
			answer.Want(t, answer.Status, answer.Field("code"))
		default:
			t.Errorf("%q is answered %d: %s", body, answer.Status, answer.Body)
		}
	})
}
