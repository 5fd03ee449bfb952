package endpoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// User has the same name as user.User.
type User struct {
	Nick string `json:"nick"`
}

type things struct{}

func (things) Index(context.Context, endpoint.None) ([]User, error) { return nil, nil }

func (things) Show(context.Context, endpoint.None) (user.User, error) { return user.User{}, nil }

func (things) Stream(context.Context, endpoint.None) (struct {
	C chan int `json:"c"`
}, error,
) {
	panic("never called")
}

func (things) Create(context.Context, User) (User, error) { return User{}, nil }

func TestAnInvalidTableStopsTheStart(t *testing.T) {
	all := things{}
	for claim, c := range map[string]struct {
		routes []endpoint.Route
		want   []string
	}{
		"two types of one name": {
			[]endpoint.Route{endpoint.Public("GET", "/a", "", all.Index), endpoint.Public("GET", "/b", "", all.Show)},
			[]string{"GET /b: ", "endpoint_test.User (an answer) and user.User (an answer) would both be called User: rename one"},
		},
		"one type as input and answer": {
			[]endpoint.Route{endpoint.Public("POST", "/a", "", all.Create)},
			[]string{"POST /a: ", "endpoint_test.User (an answer) and endpoint_test.User (an input) would both be called User: rename one"},
		},
		"a route twice": {
			[]endpoint.Route{endpoint.Public("GET", "/a", "", all.Index), endpoint.Public("GET", "/a", "", all.Show)},
			[]string{"GET /a is in the table twice: for ", "things.Index-fm and for ", "things.Show-fm"},
		},
		"a function twice": {
			[]endpoint.Route{endpoint.Public("GET", "/a", "", all.Index), endpoint.Public("GET", "/b", "", all.Index)},
			[]string{"GET /b: has the operationId thingsIndex, like GET /a: rename its function"},
		},
		"a type that JSON cannot represent": {
			[]endpoint.Route{endpoint.Public("GET", "/a", "", all.Stream)},
			[]string{"GET /a: ", "chan int"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			err := endpoint.CheckRoutes(c.routes)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestRulesAreInTheDocument(t *testing.T) {
	type line struct {
		Text string `json:"text" binding:"required,max=9"`
		Note string `json:"note"`
	}
	type rich struct {
		ID    string   `path:"id"`
		Limit *int     `query:"limit" binding:"omitempty,min=1,max=100"`
		Title string   `json:"title" binding:"required,max=200"`
		Kind  *string  `json:"kind" binding:"omitempty,oneof=a b"`
		Mail  string   `json:"mail" binding:"required,email"`
		Tags  []string `json:"tags" binding:"max=3,dive,max=9"`
		Lines []line   `json:"lines" binding:"dive"`
	}
	route := endpoint.Public("POST", "/x/:id", "", func(context.Context, rich) (endpoint.None, error) { return endpoint.None{}, nil })
	text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{route})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Paths map[string]map[string]struct {
			Parameters json.RawMessage
		}
		Components struct {
			Schemas map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{
		string(read.Paths["/x/{id}"]["post"].Parameters): `[{"in":"path","name":"id","required":true,"schema":{"type":"string"}},` +
			`{"in":"query","name":"limit","required":false,"schema":{"maximum":100,"minimum":1,"type":"integer"}}]`,
		string(read.Components.Schemas["rich"]): `{"additionalProperties":false,"properties":{` +
			`"kind":{"anyOf":[{"enum":["a","b"],"type":"string"},{"type":"null"}]},` +
			`"lines":{"anyOf":[{"items":{"$ref":"#/components/schemas/line"},"type":"array"},{"type":"null"}]},` +
			`"mail":{"format":"email","minLength":1,"type":"string"},` +
			`"tags":{"anyOf":[{"items":{"type":"string"},"maxItems":3,"type":"array"},{"type":"null"}]},` +
			`"title":{"maxLength":200,"minLength":1,"type":"string"}},"required":["mail","title"],"type":"object"}`,
		string(read.Components.Schemas["line"]): `{"additionalProperties":false,"properties":{"note":{"anyOf":[{"type":"string"},{"type":"null"}]},` +
			`"text":{"maxLength":9,"minLength":1,"type":"string"}},"required":["text"],"type":"object"}`,
	} {
		if got := strings.Join(strings.Fields(part), ""); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestErrorsAddsToTheProblemsOfARoute(t *testing.T) {
	base := answers[string]().Errors(problem.AlreadyExists)
	first, second := base.Errors(problem.TooManyAttempts), base.Errors(problem.PreconditionFailed)
	for codes, route := range map[[3]string]endpoint.Route{
		{"already_exists", "too_many_attempts", "precondition_failed"}: first,
		{"already_exists", "precondition_failed", "too_many_attempts"}: second,
	} {
		text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{route})
		if err != nil {
			t.Fatal(err)
		}
		for i, code := range codes {
			if listed := strings.Contains(string(text), "`"+code+"`"); listed != (i < 2) {
				t.Errorf("%s is listed: %t", code, listed)
			}
		}
	}
}

// operation is a part of what the document says of a route.
type operation struct {
	Parameters []struct {
		Name   string
		Schema struct{ Enum []string }
	}
	Security  []map[string]any
	Responses map[string]any
}

func operationOf(t *testing.T, info endpoint.Info, route endpoint.Route) operation {
	t.Helper()
	text, err := endpoint.Document(info, []endpoint.Route{route})
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read.Paths[route.Path][strings.ToLower(route.Method)]
}

func TestEnumListsTheOnlyValuesOfAParameter(t *testing.T) {
	type filter struct {
		Kind  *string `query:"kind"`
		Color string  `header:"X-Color"`
		Word  string  `query:"word"`
	}
	base := endpoint.Public("GET", "/x", "", func(context.Context, filter) (endpoint.None, error) { return endpoint.None{}, nil })
	kinds := base.Enum("kind", "a", "b")
	for want, route := range map[string]endpoint.Route{
		"kind [] word [] X-Color []":        base,
		"kind [a b] word [] X-Color []":     kinds,
		"kind [a b] word [] X-Color [red]":  kinds.Enum("X-Color", "red"),
		"kind [a b] word [] X-Color [blue]": kinds.Enum("X-Color", "blue"),
	} {
		var got []string
		for _, parameter := range operationOf(t, endpoint.Info{}, route).Parameters {
			got = append(got, fmt.Sprint(parameter.Name, " ", parameter.Schema.Enum))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
}

func TestAlsoListsAnotherStatus(t *testing.T) {
	base := answers[string]()
	for want, route := range map[string]endpoint.Route{
		"[200 500]":             base,
		"[200 204 500]":         base.Also(204),
		"[200 204 303 500]":     base.Also(204).Also(303),
		"[200 202 204 303 500]": base.Also(303).Also(202).Also(204),
	} {
		if got := fmt.Sprint(slices.Sorted(maps.Keys(operationOf(t, endpoint.Info{}, route).Responses))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestARouteThatNeedsALoginAcceptsOnlySchemesOfLogins(t *testing.T) {
	schemes := map[string]any{"key": map[string]any{}, "robot": map[string]any{}, "token": map[string]any{}}
	allow := func(context.Context) error { return nil }
	for claim, c := range map[string]struct {
		access    endpoint.Access
		notLogins []string
		want      string
	}{
		"everybody":               {endpoint.Access{}, []string{"key"}, "[]"},
		"everybody, with a login": {endpoint.Access{Login: true}, []string{"key"}, "[]"},
		"a user":                  {endpoint.Access{Allow: allow}, []string{"key"}, "[map[key:[]] map[robot:[]] map[token:[]]]"},
		"a login":                 {endpoint.Access{Allow: allow, Login: true}, []string{"robot", "key"}, "[map[token:[]]]"},
		"a login, if all are one": {endpoint.Access{Allow: allow, Login: true}, nil, "[map[key:[]] map[robot:[]] map[token:[]]]"},
	} {
		info := endpoint.Info{SecuritySchemes: schemes, NotLogins: c.notLogins}
		if got := fmt.Sprint(operationOf(t, info, answers[string]().For(c.access)).Security); got != c.want {
			t.Errorf("%s: %s, want %s", claim, got, c.want)
		}
	}
}
