package endpoint_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
)

// call serves one request by one route.
func call(route endpoint.Route, target, body string) *httptest.ResponseRecorder {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handle)
	request := httptest.NewRequestWithContext(context.Background(), route.Method, target, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, request)
	return recorder
}

type item struct {
	Name string `json:"name" binding:"max=3"`
}

type everything struct {
	ID     uuid.UUID     `path:"id"`
	Limit  int           `query:"limit" binding:"max=100"`
	Since  *time.Time    `query:"since"`
	Word   string        `query:"word"`
	Done   bool          `json:"done"`
	Items  []item        `json:"items" binding:"dive"`
	At     time.Time     `json:"at"`
	Secret auth.Password `json:"secret"`
}

func echo(_ context.Context, in everything) (everything, error) { return in, nil }

func TestEveryFieldHasItsSource(t *testing.T) {
	route := endpoint.Public("POST", "/x/:id", "", echo)
	id := uuid.Must(uuid.NewV7()).String()
	for claim, c := range map[string]struct {
		target, body string
		status       int
		says         string
	}{
		"path, query and body together": {"/x/" + id + "?limit=5&word=1&since=2026-01-02T03:04:05Z", `{"done":true,"items":[{"name":"a"}]}`, 200, `"Limit":5,"Since":"2026-01-02T03:04:05Z","Word":"1","done":true,"items":[{"name":"a"}]`},
		"a field keeps to its source":   {"/x/" + id + "?done=true&Done=true&id=x&Secret=x", `{}`, 200, `"ID":"` + id + `","Limit":0`},
		"an unknown query is ignored":   {"/x/" + id + "?page=2", `{}`, 200, `"Limit":0`},
		"a path that is no UUID":        {"/x/1", `{}`, 404, "not_found"},
		"a query that is no number":     {"/x/" + id + "?limit=abc", `{}`, 422, `{"field":"limit","message":"must be a whole number that fits"}`},
		"a query that is too large":     {"/x/" + id + "?limit=101", `{}`, 422, `{"field":"limit","message":"must be 100 or less"}`},
		"a query given twice":           {"/x/" + id + "?limit=1&limit=2", `{}`, 422, `{"field":"limit","message":"is given more than once"}`},
		"a query that is no time":       {"/x/" + id + "?since=today", `{}`, 422, `{"field":"since","message":"must be a time, such as 2006-01-02T15:04:05Z"}`},
		"a query with a broken escape":  {"/x/" + id + "?limit=%zz", `{}`, 422, `"field":"query"`},
		"a rule broken inside":          {"/x/" + id, `{"items":[{"name":"a"},{"name":"long"}]}`, 422, `{"field":"items[1].name","message":"must be a maximum of 3 characters in length"}`},
		"a wrong type inside":           {"/x/" + id, `{"items":[{"name":1}]}`, 422, `{"field":"items.0.name","message":"must be a string"}`},
		"an unknown field inside":       {"/x/" + id, `{"items":[{"nome":"a"}]}`, 422, `{"field":"items.0.nome","message":"is not a field of this request"}`},
		"no boolean, list or time":      {"/x/" + id, `{"done":1,"items":{},"at":"x"}`, 422, `{"field":"at","message":"must be a time, such as 2006-01-02T15:04:05Z"},{"field":"done","message":"must be true or false"},{"field":"items","message":"must be a list"}`},
		"a password is never repeated":  {"/x/" + id, `{"secret":12345678}`, 422, `{"field":"secret","message":"must be a string"}`},
		"nor shown":                     {"/x/" + id, `{"secret":"12345678"}`, 200, `"secret":"********"`},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(route, c.target, c.body); got.Code != c.status || !strings.Contains(got.Body.String(), c.says) || strings.Contains(got.Body.String(), "12345678") {
				t.Errorf("%d %s, want %d with %s", got.Code, got.Body, c.status, c.says)
			}
		})
	}
}

func TestAnInputWithoutOneSourceStopsTheStart(t *testing.T) {
	for claim, build := range map[string]func(){
		"none": func() {
			endpoint.Public("GET", "/", "", func(context.Context, struct{ Free string }) (endpoint.None, error) { return endpoint.None{}, nil })
		},
		"one the path does not name": func() {
			type in struct {
				ID string `path:"id"`
			}
			endpoint.Public("GET", "/:note", "", func(context.Context, in) (endpoint.None, error) { return endpoint.None{}, nil })
		},
		"two": func() {
			type in struct {
				ID string `path:"id" json:"id"`
			}
			endpoint.Public("GET", "/:id", "", func(context.Context, in) (endpoint.None, error) { return endpoint.None{}, nil })
		},
	} {
		t.Run(claim, func(t *testing.T) {
			defer func() {
				if why, _ := recover().(string); !strings.Contains(why, "GET /") {
					t.Errorf("panic %q names no route", why)
				}
			}()
			build()
		})
	}
}

func TestAnswers(t *testing.T) {
	type in = endpoint.None
	for claim, c := range map[string]struct {
		route  endpoint.Route
		status int
		body   string
	}{
		"200 where there is something": {endpoint.Public("GET", "/", "", func(context.Context, in) ([]string, error) { return nil, nil }), 200, "[]"},
		"204 where there is nothing":   {endpoint.Public("GET", "/", "", func(context.Context, in) (endpoint.None, error) { return in{}, nil }), 204, ""},
		"another status by its word":   {endpoint.Public("GET", "/", "", func(context.Context, in) (int, error) { return 1, nil }).Answers(202), 202, "1"},
		"HTML stays as it is":          {endpoint.Public("GET", "/", "", func(context.Context, in) (string, error) { return "<&>\xff", nil }), 200, "\"<&>\ufffd\""},
		"what cannot be encoded: 500":  {endpoint.Public("GET", "/", "", func(context.Context, in) (chan int, error) { return nil, nil }), 500, `"code":"internal"`},
		"what Gin wrote is left alone": {endpoint.Public("GET", "/", "", func(ctx context.Context, _ in) (in, error) {
			endpoint.Gin(ctx).String(http.StatusTeapot, "tea")
			return in{}, nil
		}), 418, "tea"},
		"no user, no answer": {endpoint.Protected("GET", "/", "", func(context.Context, models.User, in) (string, error) { return "in", nil }), 401, `"code":"token_missing"`},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(c.route, "/", ""); got.Code != c.status || !strings.Contains(got.Body.String(), c.body) {
				t.Errorf("%d %s, want %d %s", got.Code, got.Body, c.status, c.body)
			}
		})
	}
}
