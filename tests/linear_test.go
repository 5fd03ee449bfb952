package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/problem"
)

func TestManyUnknownMembersAreCounted(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Register("ada@example.com")
	ada := app.Login("ada@example.com")
	var body strings.Builder
	for i := range 90_000 {
		fmt.Fprintf(&body, `%c"%d":1`, "{,"[min(i, 1)], 90_000-i)
	}
	body.WriteByte('}')
	answer := app.Do("PATCH", "/me", strings.NewReader(body.String()), ada...).Want(t, 422, "validation_failed")
	var found problem.Details
	if err := json.Unmarshal([]byte(answer.Body), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Errors) != 100 || found.Errors[0].Field != "89901" || found.Errors[99].Field != "90000" || len(answer.Body) > 10_000 {
		t.Errorf("%d are listed, in %d bytes: %.300s", len(found.Errors), len(answer.Body), answer.Body)
	}
	if found.Detail != "The request has invalid fields: 100 are listed, and 89,900 more" {
		t.Error(found.Detail)
	}
}

func TestLargeInvalidBodiesAreRefused(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Register("ada@example.com")
	ada := app.Login("ada@example.com")
	for claim, c := range map[string]struct {
		body   string
		status int
		code   string
		says   string
	}{
		"a name of 900,000 bytes":          {`{"name":"x","` + strings.Repeat("k", 900_000) + `":1}`, 422, "validation_failed", strings.Repeat("k", 100) + "…"},
		"a repeated name of that length":   {`{"` + strings.Repeat("k", 450_000) + `":1,"` + strings.Repeat("k", 450_000) + `":1}`, 400, "malformed_body", "duplicate"},
		"1,000 levels":                     {`{"name":` + strings.Repeat("[", 1_000) + strings.Repeat("]", 1_000) + `}`, 422, "validation_failed", `{"field":"name","message":"is nested too deeply, or under names that are too long"}`},
		"500,000 levels":                   {`{"name":` + strings.Repeat("[", 500_000), 400, "malformed_body", "breaks at byte"},
		"a long name of 900,000 bytes":     {`{"name":"` + strings.Repeat("x", 900_000) + `"}`, 422, "validation_failed", "must be a maximum of 100 characters in length"},
		"a long name of 300,000 ligatures": {`{"name":"` + strings.Repeat("\ufdfa", 300_000) + `"}`, 422, "validation_failed", "must be a maximum of 100 characters in length"},
		"a long name of escaped NULs":      {`{"name":"` + strings.Repeat(`\u0000`, 150_000) + `"}`, 422, "validation_failed", "must not hold the character U+0000"},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Do("PATCH", "/me", strings.NewReader(c.body), ada...).Want(t, c.status, c.code)
			if !strings.Contains(answer.Body, c.says) || len(answer.Body) > 1_000 {
				t.Errorf("answered with %d bytes: %.300s, want %s", len(answer.Body), answer.Body, c.says)
			}
		})
	}
}

func TestAnEmailIsLimitedBeforeItIsNormalized(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Register("ada@example.com")
	const tooLong = "must be a maximum of 254 characters in length"
	asJSON := func(email string) string { return `{"email":"` + email + `","password":"` + apptest.Password + `"}` }
	asForm := func(email string) string { return "grant_type=password&username=" + email + "&password=x" }
	for claim, c := range map[string]struct {
		path, body, media string
		status            int
		says              string
	}{
		"a login with 1,017 bytes":             {"/login", asJSON(strings.Repeat("x", 1017)), "application/json", 422, `{"field":"email","message":"` + tooLong + `"}`},
		"a login with 1,016 bytes":             {"/login", asJSON(strings.Repeat("x", 1016)), "application/json", 422, "must be a maximum of 254 characters in length"},
		"a login that is long when normalized": {"/login", asJSON(strings.Repeat("\ufdfa", 20_000)), "application/json", 422, tooLong},
		"a login by form":                      {"/login", asForm(strings.Repeat("x", 1017)), form, 422, `{"field":"username","message":"` + tooLong + `"}`},
		"a registration":                       {"/register", asJSON(strings.Repeat("x", 1005) + "@example.com"), "application/json", 422, `{"field":"email","message":"` + tooLong + `"}`},
		"one that grows when normalized":       {"/register", asJSON("a@" + strings.Repeat("ﬃ.", 100) + "com"), "application/json", 422, tooLong},
	} {
		t.Run(claim, func(t *testing.T) {
			answer := app.Post(c.path, c.body, "Content-Type", c.media)
			if answer.Status != c.status || !strings.Contains(answer.Body, c.says) {
				t.Errorf("%d %s, want %d %s", answer.Status, answer.Body, c.status, c.says)
			}
		})
	}
}

func TestTooManyFieldsAreRefused(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Register("ada@example.com")
	ada := app.Login("ada@example.com")
	answer := app.Serve("GET", "/sessions?"+strings.Repeat("a&", 100_000), "", ada...).Want(t, 422, "validation_failed")
	if !strings.Contains(answer.Body, `{"field":"query","message":"has over 10,000 fields"}`) {
		t.Error(answer.Body)
	}
}

// Quadratic work would be 16 times as much for 4 times the input.
func TestWorkGrowsLinearlyWithTheHeaders(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t, func(s *config.Settings) {
		s.Server.TrustedProxies = []string{"10.0.0.0/8"}
		s.Server.CORSOrigins = []string{"https://app.example.com"}
	})
	app.Register("ada@example.com")
	ada := app.Login("ada@example.com")
	login := `{"email":"ada@example.com","password":"` + apptest.Password + `"}`
	type request struct {
		method, path, body   string
		header, before, part string // without a header, part is added to the path
		status               int
	}
	cases := map[string]request{
		"X-Forwarded-For with many addresses": {"POST", "/login", login, "X-Forwarded-For", "", "10.1.2.3, ", 200},
		"Accept-Encoding with many codings":   {"GET", "/openapi.json", "", "Accept-Encoding", "", "gzip;q=0.5, ", 200},
		"Range with many ranges":              {"GET", "/openapi.json", "", "Range", "bytes=", "0-0,", 200},
		"If-None-Match with many tags":        {"GET", "/openapi.json", "", "If-None-Match", "", `"x", `, 200},
		"Authorization with many dots":        {"GET", "/me", "", "Authorization", "Bearer ", "a.", 401},
		"Authorization with many spaces":      {"GET", "/me", "", "Authorization", "Bearer", "  ", 401},
		"Origin":                              {"GET", "/healthz", "", "Origin", "https://", "example.com.", 200},
		"X-Request-ID":                        {"GET", "/healthz", "", "X-Request-Id", "", "abc-", 200},
		"User-Agent":                          {"POST", "/login", login, "User-Agent", "", "a/1 ", 200},
		"Content-Type":                        {"POST", "/login", login, "Content-Type", "application/json;", "a;", 415},
		"a path with many segments":           {"GET", "/sessions", "", "", "", "/a", 404},
		"a path with a long id":               {"GET", "/users/", "", "", "", "a", 403},
	}
	note := app.Post("/notes", `{"title":"x"}`, ada...).Field("id")
	cases["If-Match with many tags"] = request{"DELETE", "/notes/" + note, "", "If-Match", "", `"x", `, 412}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			work := func(n int) (bytes uint64, answer int) {
				long := c.before + strings.TrimRight(strings.Repeat(c.part, n/len(c.part)), ", ")
				r := httptest.NewRequestWithContext(context.Background(), c.method, c.path, strings.NewReader(c.body))
				r.RemoteAddr = "10.0.0.1:1"
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set(ada[0], ada[1])
				if c.header == "" {
					r.URL.Path += long
				} else {
					r.Header.Set(c.header, long)
				}
				recorder := httptest.NewRecorder()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				app.Engine.ServeHTTP(recorder, r)
				runtime.ReadMemStats(&after)
				if recorder.Code != c.status {
					t.Errorf("%d bytes are answered %d %.200s, want %d", n, recorder.Code, recorder.Body, c.status)
				}
				return after.TotalAlloc - before.TotalAlloc, recorder.Body.Len()
			}
			const n = 64 << 10
			work(n) // the first fills caches
			once, short := work(n)
			more, long := work(4 * n)
			if more > 6*once+100_000 || long > short+1_000 {
				t.Errorf("%d bytes need %d bytes of memory and %d of answer; %d need %d and %d", n, once, short, 4*n, more, long)
			}
		})
	}
}
