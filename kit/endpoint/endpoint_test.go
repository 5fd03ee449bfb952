package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// call serves one request by one route.
func call(route endpoint.Route, target, body string, headers ...string) *httptest.ResponseRecorder {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handlers()...)
	request := httptest.NewRequestWithContext(context.Background(), route.Method, target, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, request)
	return recorder
}

type item struct {
	Name string `json:"name" binding:"max=3"`
}

type page struct {
	Limit int `query:"limit" binding:"max=100"`
}

type everything struct {
	page
	ID     uuid.UUID  `path:"id"`
	Match  string     `header:"If-Match" binding:"max=9"`
	Since  *time.Time `query:"since"`
	Word   string     `query:"word"`
	Done   bool       `json:"done"`
	Items  []item     `json:"items" binding:"dive"`
	At     time.Time  `json:"at"`
	Secret password   `json:"secret"`
}

func echo(_ context.Context, in everything) (everything, error) { return in, nil }

func TestEachFieldIsReadFromItsSource(t *testing.T) {
	route := endpoint.Public("POST", "/x/:id", "", echo)
	id := uuid.Must(uuid.NewV7()).String()
	for claim, c := range map[string]struct {
		target, body string
		status       int
		want         string
	}{
		"path, query and body together": {"/x/" + id + "?limit=5&word=1&since=2026-01-02T03:04:05Z", `{"done":true,"items":[{"name":"a"}]}`, 200, `"Since":"2026-01-02T03:04:05.000000Z","Word":"1","done":true,"items":[{"name":"a"}]`},
		"a field keeps to its source":   {"/x/" + id + "?done=true&Done=true&id=x&Secret=x", `{}`, 200, `"Limit":0,"ID":"` + id + `"`},
		"an unknown query is ignored":   {"/x/" + id + "?page=2", `{}`, 200, `"Limit":0`},
		"a path that is not a UUID":     {"/x/1", `{}`, 404, "not_found"},
		"a query that is not a number":  {"/x/" + id + "?limit=abc", `{}`, 422, `{"field":"limit","message":"must be a whole number that fits"}`},
		"a query that is too large":     {"/x/" + id + "?limit=101", `{}`, 422, `{"field":"limit","message":"must be 100 or less"}`},
		"a query given twice":           {"/x/" + id + "?limit=1&limit=2", `{}`, 422, `{"field":"limit","message":"is given more than once"}`},
		"times are in UTC":              {"/x/" + id + "?since=2026-01-02T03:04:05.123456789%2B01:00", `{"at":"2026-01-01T23:04:05.1234567-05:00"}`, 200, `"Since":"2026-01-02T02:04:05.123456Z","Word":"","done":false,"items":[],"at":"2026-01-02T04:04:05.123456Z"`},
		"a year past 9999 in UTC":       {"/x/" + id + "?since=9999-12-31T23:59:59-01:00", `{"at":"0000-01-01T00:00:00+01:00"}`, 422, `{"field":"at","message":"must be a time, such as 2006-01-02T15:04:05Z"},{"field":"since","message":"must be a time, such as 2006-01-02T15:04:05Z"}`},
		"a query that is not a time":    {"/x/" + id + "?since=today", `{}`, 422, `{"field":"since","message":"must be a time, such as 2006-01-02T15:04:05Z"}`},
		"a query with a broken escape":  {"/x/" + id + "?limit=%zz", `{}`, 422, `"field":"query"`},
		"a rule broken inside":          {"/x/" + id, `{"items":[{"name":"a"},{"name":"long"}]}`, 422, `{"field":"items[1].name","message":"must be a maximum of 3 characters in length"}`},
		"a wrong type inside":           {"/x/" + id, `{"items":[{"name":1}]}`, 422, `{"field":"items.0.name","message":"must be a string"}`},
		"an unknown field inside":       {"/x/" + id, `{"items":[{"nome":"a"}]}`, 422, `{"field":"items.0.nome","message":"is not a field of this request"}`},
		"not a boolean, list or time":   {"/x/" + id, `{"done":1,"items":{},"at":"x"}`, 422, `{"field":"at","message":"must be a time, such as 2006-01-02T15:04:05Z"},{"field":"done","message":"must be true or false"},{"field":"items","message":"must be a list"}`},
		"a password is never repeated":  {"/x/" + id, `{"secret":12345678}`, 422, `{"field":"secret","message":"must be a string"}`},
		"a password is never shown":     {"/x/" + id, `{"secret":"12345678"}`, 200, `"secret":"********"`},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(route, c.target, c.body); got.Code != c.status || !strings.Contains(got.Body.String(), c.want) || strings.Contains(got.Body.String(), "12345678") {
				t.Errorf("%d %s, want %d with %s", got.Code, got.Body, c.status, c.want)
			}
		})
	}
}

func TestAHeaderIsAField(t *testing.T) {
	route := endpoint.Public("POST", "/x/:id", "", echo)
	for claim, c := range map[string]struct {
		headers []string
		status  int
		want    string
	}{
		"none":                 {nil, 200, `"Match":""`},
		"one":                  {[]string{"IF-MATCH", `"a"`}, 200, `"Match":"\"a\""`},
		"one in two lines":     {[]string{"If-Match", "a", "If-Match", "b"}, 200, `"Match":"a, b"`},
		"one against its rule": {[]string{"If-Match", "0123456789"}, 422, `{"field":"If-Match","message":"must be a maximum of 9 characters in length"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			got := call(route, "/x/"+uuid.Must(uuid.NewV7()).String(), "{}", c.headers...)
			if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
				t.Errorf("%d %s, want %d with %s", got.Code, got.Body, c.status, c.want)
			}
		})
	}
}

// change has a field that may be absent, and one that may also be null.
type change struct {
	Name *string     `json:"name" binding:"omitempty,min=1"`
	Due  **time.Time `json:"due"`
}

func TestAbsentIsNotNull(t *testing.T) {
	const due = `"2026-01-02T03:04:05Z"`
	say := func(_ context.Context, in change) (string, error) {
		switch {
		case in.Due == nil:
			return "absent", nil
		case *in.Due == nil:
			return "null", nil
		}
		return (*in.Due).Format(time.RFC3339), nil
	}
	for claim, c := range map[string]struct {
		method, body string
		status       int
		want         string
	}{
		"absent":                         {"PATCH", `{}`, 200, `"absent"`},
		"null":                           {"PATCH", `{"due":null}`, 200, `"null"`},
		"a value":                        {"PATCH", `{"due":` + due + `}`, 200, due},
		"a field that may not be null":   {"PATCH", `{"name":null}`, 422, `{"field":"name","message":"must be a string"}`},
		"a wrong type that may be null":  {"PATCH", `{"due":1}`, 422, `{"field":"due","message":"must be a time, such as 2006-01-02T15:04:05Z"}`},
		"an empty string is a value":     {"PATCH", `{"name":""}`, 422, `"field":"name"`},
		"outside a PATCH null is absent": {"POST", `{"name":null}`, 200, `"absent"`},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(endpoint.Public(c.method, "/", "", say), "/", c.body); got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
				t.Errorf("%d %s, want %d with %s", got.Code, got.Body, c.status, c.want)
			}
		})
	}
	var document struct {
		Components struct {
			Schemas struct {
				Change struct{ Properties map[string]json.RawMessage } `json:"change"`
			}
		}
	}
	text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{endpoint.Public("PATCH", "/", "", say)})
	if err := errors.Join(err, json.Unmarshal(text, &document)); err != nil {
		t.Fatal(err)
	}
	for name, nullable := range map[string]bool{"name": false, "due": true} {
		if is := strings.Contains(string(document.Components.Schemas.Change.Properties[name]), `"null"`); is != nullable {
			t.Errorf("%s is described as %s", name, document.Components.Schemas.Change.Properties[name])
		}
	}
}

func TestAnAnswerHasItsVersionAsETag(t *testing.T) {
	row := withVersion{time.UnixMicro(255)}
	route := endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (withVersion, error) { return row, nil })
	if got := call(route, "/", "").Header().Get("ETag"); got != `"ff"` {
		t.Errorf("ETag %s", got)
	}
}

func TestAnInputWithoutOneSourceStopsTheStart(t *testing.T) {
	type none struct{ Free string }
	type path struct {
		ID string `path:"id"`
	}
	type two struct {
		ID string `path:"id" json:"id"`
	}
	for claim, route := range map[string]endpoint.Route{
		"none":                       endpoint.Public("GET", "/", "", func(context.Context, none) (in endpoint.None, err error) { return }),
		"one the path does not name": endpoint.Public("GET", "/:note", "", func(context.Context, path) (in endpoint.None, err error) { return }),
		"two":                        endpoint.Public("GET", "/:id", "", func(context.Context, two) (in endpoint.None, err error) { return }),
	} {
		t.Run(claim, func(t *testing.T) {
			_, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{route})
			if err == nil || !strings.Contains(err.Error(), "GET "+route.Path) || !strings.Contains(err.Error(), "needs one source") {
				t.Errorf("%v names no route", err)
			}
		})
	}
}

// The group has a parameter in its prefix, middleware, and an ordinary Gin handler.
func TestAGroupHasAPrefixAndMiddleware(t *testing.T) {
	type task struct {
		Project string `path:"project"`
		ID      string `path:"id"`
	}
	var trace []string
	note := func(what string) gin.HandlerFunc { return func(*gin.Context) { trace = append(trace, what) } }
	allowed := endpoint.Access{Name: "staff", Allow: func(context.Context) error { trace = append(trace, "access"); return nil }}
	routes := endpoint.Group("/projects/:project", []endpoint.Route{
		endpoint.Public("GET", "/tasks/:id", "", func(_ context.Context, in task) (string, error) { return in.Project + in.ID, nil }).With(note("own")).For(allowed),
		endpoint.Gin("GET", "/plain", "", func(c *gin.Context) { c.String(200, c.Param("project")) }),
	}, note("group"))
	if _, err := endpoint.Document(endpoint.Info{}, routes); err != nil {
		t.Fatal(err)
	}
	if got := call(routes[0], "/projects/a/tasks/b", ""); got.Body.String() != `"ab"` || strings.Join(trace, " ") != "access group own" {
		t.Errorf("%s after %v", got.Body, trace)
	}
	if got := call(routes[1], "/projects/a/plain", ""); got.Body.String() != "a" {
		t.Error(got.Body)
	}
}

func TestARefusedCallerReachesNoHandler(t *testing.T) {
	access := endpoint.Access{Name: "nobody", Allow: func(context.Context) error { return problem.Forbidden }}
	reached := false
	reach := func(*gin.Context) { reached = true }
	for claim, route := range map[string]endpoint.Route{
		"a function":    endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (in endpoint.None, err error) { reached = true; return }),
		"a Gin handler": endpoint.Gin("GET", "/", "", reach),
	} {
		if got := call(route.With(reach).For(access), "/", ""); got.Code != 403 || reached {
			t.Errorf("%s: answered %d, reached %v", claim, got.Code, reached)
		}
	}
}

func TestAnswers(t *testing.T) {
	type in = endpoint.None
	for claim, c := range map[string]struct {
		route  endpoint.Route
		status int
		body   string
	}{
		"200 with content":               {endpoint.Public("GET", "/", "", func(context.Context, in) ([]string, error) { return nil, nil }), 200, "[]"},
		"204 without content":            {endpoint.Public("GET", "/", "", func(context.Context, in) (endpoint.None, error) { return in{}, nil }), 204, ""},
		"another status":                 {endpoint.Public("GET", "/", "", func(context.Context, in) (int, error) { return 1, nil }).Status(202), 202, "1"},
		"HTML stays as it is":            {endpoint.Public("GET", "/", "", func(context.Context, in) (string, error) { return "<&>\xff", nil }), 200, "\"<&>\ufffd\""},
		"500 for what cannot be encoded": {endpoint.Public("GET", "/", "", func(context.Context, in) (chan int, error) { return nil, nil }), 500, `"code":"internal"`},
		"an answer through Gin is kept": {endpoint.Public("GET", "/", "", func(ctx context.Context, _ in) (in, error) {
			endpoint.Context(ctx).String(http.StatusTeapot, "tea")
			return in{}, nil
		}), 418, "tea"},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(c.route, "/", ""); got.Code != c.status || !strings.Contains(got.Body.String(), c.body) {
				t.Errorf("%d %s, want %d %s", got.Code, got.Body, c.status, c.body)
			}
		})
	}
}
