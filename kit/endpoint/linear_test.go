package endpoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// work serves a request and returns how many objects and bytes it allocated.
func (s shape) work(t *testing.T, n int) (objects, bytes uint64) {
	t.Helper()
	r, recorder := s.request(n), httptest.NewRecorder()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.handler.ServeHTTP(recorder, r)
	runtime.ReadMemStats(&after)
	if recorder.Code != s.status {
		t.Errorf("%d bytes are answered %d %.200s, want %d", n, recorder.Code, recorder.Body, s.status)
	}
	if size := recorder.Body.Len(); size > 20_000 {
		t.Errorf("%d bytes are answered with %d bytes", n, size)
	}
	return after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc
}

// Quadratic work would be 16 times as much for 4 times the input. The limit is 6,
// not 4, because a map may just have grown.
func TestWorkGrowsLinearlyWithTheInput(t *testing.T) {
	const n, most = 64 << 10, 6
	for claim, s := range shapes {
		t.Run(claim, func(t *testing.T) {
			s.work(t, n) // the first of a type fills caches
			objects, bytes := s.work(t, n)
			objects4, bytes4 := s.work(t, 4*n)
			if objects4 > most*objects+1000 || bytes4 > most*bytes {
				t.Errorf("%d bytes take %d objects, %d bytes; %d take %d and %d", n, objects, bytes, 4*n, objects4, bytes4)
			}
			if bytes4 > 200*4*n {
				t.Errorf("%d bytes take %d bytes of memory", 4*n, bytes4)
			}
		})
	}
}

// details returns the problem of an invalid JSON body.
func details(t *testing.T, handler http.Handler, body string) (found problem.Details, size int) {
	t.Helper()
	r, recorder := httptest.NewRequestWithContext(context.Background(), "POST", "/?word=long", strings.NewReader(body)), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/json")
	handler.ServeHTTP(recorder, r)
	if err := json.Unmarshal(recorder.Body.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	return found, recorder.Body.Len()
}

func TestTheFirstHundredErrorsAreListed(t *testing.T) {
	unknown := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf(`"%05d":1`, n-1-i))
		}
		return "{" + strings.Join(names, ",") + "}"
	}
	for claim, c := range map[string]struct {
		body        string
		listed      int
		first, last string
		detail      string
	}{
		"99 and one from the query":                         {unknown(99), 100, "00000", "word", "The request has invalid fields"},
		"100, without the one from the query":               {unknown(100), 100, "00000", "00099", "The request has invalid fields: 100 are listed, and 1 more"},
		"in the order of the document, not of the alphabet": {unknown(90_000), 100, "89900", "89999", "The request has invalid fields: 100 are listed, and 89,901 more"},
		"the first items of a list":                         {`{"texts":["long"` + strings.Repeat(`,"long"`, 999) + `]}`, 100, "texts[0]", "word", "The request has invalid fields: 100 are listed, and 901 more"},
		"each name once":                                    {`{"word":1,"texts":["long"]}`, 2, "texts[0]", "word", "The request has invalid fields"},
	} {
		t.Run(claim, func(t *testing.T) {
			found, _ := details(t, server[all](), c.body)
			if len(found.Errors) != c.listed || found.Detail != c.detail || found.Errors[0].Field != c.first || found.Errors[c.listed-1].Field != c.last {
				t.Errorf("%d are listed: %+v", len(found.Errors), found)
			}
		})
	}
	found, _ := details(t, server[all](), `{"texts":["long"`+strings.Repeat(`,"long"`, 999)+`]}`)
	if !slices.ContainsFunc(found.Errors, func(f problem.FieldError) bool { return f.Field == "texts[98]" }) {
		t.Errorf("the items are %+v", found.Errors)
	}
}

func TestTheSameErrorsAreListedEachTime(t *testing.T) {
	body := shapes["repeated errors in an object"].send(10_000).body
	first, _ := details(t, server[all](), body)
	for range 5 {
		if again, _ := details(t, server[all](), body); !slices.Equal(again.Errors, first.Errors) {
			t.Fatalf("%+v, then %+v", first.Errors, again.Errors)
		}
	}
}

func TestALongNameIsTruncatedBetweenCharacters(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("x", 100):       strings.Repeat("x", 100),
		strings.Repeat("x", 101):       strings.Repeat("x", 100) + "…",
		"x" + strings.Repeat("é", 100): "x" + strings.Repeat("é", 49) + "…",
	} {
		recorder := call(endpoint.Public("POST", "/", "", func(context.Context, all) (string, error) { return "", nil }), "/", `{"`+name+`":1}`)
		if !strings.Contains(recorder.Body.String(), `{"field":"`+want+`",`) {
			t.Errorf("%s is called %s", name, recorder.Body)
		}
	}
}

func TestAnAnswerStaysSmallWithAnyNames(t *testing.T) {
	for name, letter := range map[string]string{"letters": "x", "escapes": `\u0001`, "characters of four bytes": "😀"} {
		body := "{" + many(500_000, ",", func(i int) string { return fmt.Sprintf(`"%s%d":1`, strings.Repeat(letter, 200), i) }) + "}"
		if found, size := details(t, server[all](), body); len(found.Errors) != 100 || size > 75_000 {
			t.Errorf("%s: %d faults, %d bytes", name, len(found.Errors), size)
		}
	}
}

func TestDepthHasALimit(t *testing.T) {
	list := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for claim, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"50 levels":                     {`{"any":` + list(50) + `}`, 200, "taken"},
		"9,000 levels":                  {`{"any":` + list(9_000) + `}`, 422, `{"field":"any","message":"is nested too deeply, or under names that are too long"}`},
		"500,000 levels":                {`{"any":` + list(500_000) + `}`, 400, "exceeded max depth"},
		"a list under a name too long":  {`{"any":{"` + strings.Repeat("k", 500) + `":[]}}`, 422, "is nested too deeply, or under names that are too long"},
		"a value under a long name":     {`{"any":{"` + strings.Repeat("k", 500) + `":1}}`, 200, "taken"},
		"levels of an unknown member":   {`{"x":` + list(9_000) + `}`, 422, `{"field":"x","message":"is not a field of this request"}`},
		"an escaped NUL in a deep list": {`{"any":[["a",["\u0000"]]]}`, 422, `{"field":"any","message":"must not hold the character U+0000"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := call(endpoint.Public("POST", "/", "", func(context.Context, all) (string, error) { return "taken", nil }), "/", c.body); got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
				t.Errorf("%d %.300s, want %d %s", got.Code, got.Body, c.status, c.want)
			}
		})
	}
}

func TestTooManyFieldsAreRefused(t *testing.T) {
	names := url.Values{}
	for i := range 100_000 {
		names.Set(fmt.Sprint(i), "")
	}
	for claim, c := range map[string]struct {
		shape  shape
		status int
		want   string
	}{
		"in a form":  {formBody(0, func(int) string { return names.Encode() }), 400, `"detail":"The form has over 10,000 fields"`},
		"in a query": {query(0, func(int) string { return names.Encode() }), 422, `{"field":"query","message":"has over 10,000 fields"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			c.shape.handler.ServeHTTP(recorder, c.shape.request(0))
			if recorder.Code != c.status || !strings.Contains(recorder.Body.String(), c.want) {
				t.Errorf("%d %.300s", recorder.Code, recorder.Body)
			}
		})
	}
}
