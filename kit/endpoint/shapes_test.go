package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

// node is an input of any depth.
type node struct {
	Name   string              `json:"name" binding:"max=3"`
	Nodes  []node              `json:"nodes" binding:"dive"`
	ByName map[string]node     `json:"by_name" binding:"dive"`
	Words  map[string]string   `json:"words" binding:"dive,max=3"`
	Lists  map[string][]string `json:"lists" binding:"dive,dive,max=3"`
	Texts  []string            `json:"texts" binding:"dive,max=3"`
	Any    any                 `json:"any"`
}

// all has a field of each source.
type all struct {
	node
	Email email  `json:"email" formData:"email"`
	Word  string `query:"word" binding:"max=3"`
	Match string `header:"If-Match" binding:"max=3"`
}

type form struct {
	Email email  `formData:"email"`
	Word  string `query:"word" binding:"max=3"`
}

// server serves POST / with one input, and answers "taken" if it is valid.
func server[In any]() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.POST("/", endpoint.Public("POST", "/", "", func(context.Context, In) (string, error) { return "taken", nil }).Handlers()...)
	return engine
}

// many joins part(0), part(1), … until the text is n bytes long.
func many(n int, between string, part func(i int) string) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		if i > 0 {
			text.WriteString(between)
		}
		text.WriteString(part(i))
	}
	return text.String()
}

// nested puts n bytes of left and right around inside.
func nested(n int, left, inside, right string) string {
	levels := n / len(left+right)
	return strings.Repeat(left, levels) + inside + strings.Repeat(right, levels)
}

// sent is the content of a request.
type sent struct{ body, query, match, media string }

// shape makes requests of one kind and any size.
type shape struct {
	handler http.Handler
	status  int
	send    func(n int) sent
}

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

func jsonBody(status int, body func(n int) string) shape {
	return shape{server[all](), status, func(n int) sent { return sent{body: body(n), media: mediaJSON} }}
}

func formBody(status int, body func(n int) string) shape {
	return shape{server[form](), status, func(n int) sent { return sent{body: body(n), media: mediaForm} }}
}

func query(status int, text func(n int) string) shape {
	return shape{server[all](), status, func(n int) sent { return sent{body: "{}", query: text(n), media: mediaJSON} }}
}

// pair is a name and a value, long enough that 1 MiB has fewer than 10,000.
func pair(i int) string { return fmt.Sprintf("k%d=%s", i, strings.Repeat("x", 110)) }

// shapes are requests that make the work of a simple parser grow faster than its
// input.
var shapes = map[string]shape{
	"unknown members": jsonBody(422, func(n int) string {
		return "{" + many(n, ",", func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + "}"
	}),
	"one unknown member with a long name": jsonBody(422, func(n int) string { return `{"` + strings.Repeat("k", n) + `":1}` }),
	"an unknown member inside":            jsonBody(422, func(n int) string { return `{"nodes":[{"` + strings.Repeat("/", n) + `":1}]}` }),
	"an unknown member that is deep":      jsonBody(422, func(n int) string { return `{"x":` + nested(min(n, 19_000), "[", "", "]") + `}` }),
	"a repeated key, the last of many": jsonBody(400, func(n int) string {
		return "{" + many(n, ",", func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + `,"k1":1}`
	}),
	"a repeated key that is long": jsonBody(400, func(n int) string {
		return fmt.Sprintf(`{"%s":1,"%[1]s":1}`, strings.Repeat("k", n/2))
	}),
	"repeated errors in a list":          jsonBody(422, func(n int) string { return `{"texts":["long"` + strings.Repeat(`,"long"`, n/7) + `]}` }),
	"repeated errors in a list of lists": jsonBody(422, func(n int) string { return `{"nodes":[{}` + strings.Repeat(`,{"name":"long"}`, n/16) + `]}` }),
	"repeated errors in an object": jsonBody(422, func(n int) string {
		return `{"words":{` + many(n, ",", func(i int) string { return fmt.Sprintf(`"k%d":"long"`, i) }) + `}}`
	}),
	"repeated errors under a long name": jsonBody(422, func(n int) string {
		return `{"lists":{"` + strings.Repeat("k", n/2) + `":["long"` + strings.Repeat(`,"long"`, n/14) + `]}}`
	}),
	"zeros and missing members in a list": {server[outer](), 422, func(n int) sent {
		return sent{body: "{" + zeros + `,"places":[{}` + strings.Repeat(`,{"x":0,"y":null}`, n/17) + `]}`, media: mediaJSON}
	}},
	"an error on each of many levels":   jsonBody(422, func(n int) string { return nested(min(n, 90_000), `{"name":"long","nodes":[`, "", `]}`) }),
	"an error on many levels of names":  jsonBody(422, func(n int) string { return nested(min(n, 90_000), `{"name":"long","by_name":{"key":`, "{}", `}}`) }),
	"a wrong type at the end of levels": jsonBody(422, func(n int) string { return nested(min(n, 50_000), `{"nodes":[`, "1", `]}`) }),
	"10,000 levels":                     jsonBody(422, func(n int) string { return `{"any":` + nested(min(n, 19_990), "[", "", "]") + `}` }),
	"levels without an end":             jsonBody(400, func(n int) string { return `{"any":` + strings.Repeat("[", n) }),
	"objects without an end":            jsonBody(400, func(n int) string { return strings.Repeat(`{"any":`, n/7) }),
	"escaped NULs":                      jsonBody(422, func(n int) string { return `{"texts":["` + strings.Repeat(`\\u0000`, n/7) + `\u0000"]}` }),
	"a long email":                      jsonBody(422, func(n int) string { return `{"email":"` + strings.Repeat("\ufdfa", n/3) + `"}` }),
	"a long email in a form":            formBody(422, func(n int) string { return "email=" + strings.Repeat("\ufdfa", n/3) }),
	"a form with many names":            formBody(200, func(n int) string { return many(n, "&", pair) }),
	"a form with one name":              formBody(422, func(n int) string { return "email=x" + strings.Repeat("&email="+strings.Repeat("x", 110), n/117) }),
	"a form with too many names":        formBody(400, func(n int) string { return strings.Repeat("&", max(n, 10_000)) }),
	"a query with many names":           query(200, func(n int) string { return many(n, "&", pair) }),
	"a query with a long value":         query(422, func(n int) string { return "word=" + strings.Repeat("%41", n/3) }),
	"a query with too many names":       query(422, func(n int) string { return strings.Repeat("&", max(n, 10_000)) }),
	"a long header": {server[all](), 422, func(n int) sent {
		return sent{body: "{}", match: strings.Repeat(`"x", `, n/5), media: mediaJSON}
	}},
	"a media type with many parameters": {server[all](), 200, func(n int) sent {
		return sent{body: "{}", media: mediaJSON + many(n, "", func(i int) string { return fmt.Sprintf(";k%d=1", i) })}
	}},
}

// request makes a request of n bytes.
func (s shape) request(n int) *http.Request {
	sent := s.send(n)
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/?"+sent.query, strings.NewReader(sent.body))
	r.Header.Set("Content-Type", sent.media)
	if sent.match != "" {
		r.Header.Set("If-Match", sent.match)
	}
	return r
}
