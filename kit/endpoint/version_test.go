package endpoint_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
)

func TestATagChangedByAProxyMatches(t *testing.T) {
	for header, matches := range map[string]bool{
		`"5f"`: true, `W/"5f"`: true, `"5f-gzip"`: true, `W/"5f-gzip"`: true, `*`: true, `"a", W/"5f"`: true,
		`"5"`: false, `5f`: false, `"5f-br"`: false, `"-gzip"`: false, `w/"5f"`: false, `"a", *`: false, ``: false,
	} {
		if got := endpoint.MatchesTag(header, `"5f"`); got != matches {
			t.Errorf("%s matches: %v", header, got)
		}
	}
}

type versioned struct{}

func (versioned) ETag() string { return `"5f"` }

// Some proxies send each tag in a line of its own (RFC 9110, section 5.3).
func TestAConditionMayHaveManyLines(t *testing.T) {
	file := func(context.Context, endpoint.None) (endpoint.File, error) {
		return endpoint.File{ETag: `"5f"`, Content: bytes.NewReader([]byte("text"))}, nil
	}
	for claim, c := range map[string]struct {
		route  endpoint.Route
		name   string
		second string
		status int
	}{
		"JSON that has not changed":   {endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (in versioned, err error) { return }), "If-None-Match", `"5f"`, 304},
		"JSON that has changed":       {endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (in versioned, err error) { return }), "If-None-Match", `"5e"`, 200},
		"a file that has not changed": {endpoint.Public("GET", "/", "", file), "If-None-Match", `"5f"`, 304},
		"a file that still matches":   {endpoint.Public("GET", "/", "", file), "If-Match", `"5f"`, 200},
		"a file that does not":        {endpoint.Public("GET", "/", "", file), "If-Match", `"5e"`, 412},
		"an ordinary handler":         {endpoint.Gin("GET", "/", "", func(c *gin.Context) { c.String(200, c.GetHeader("If-Match")) }), "If-Match", `"5f"`, 200},
	} {
		got := call(c.route, "/", "", c.name, `"a"`, c.name, c.second)
		if got.Code != c.status || claim == "an ordinary handler" && got.Body.String() != `"a", "5f"` {
			t.Errorf("%s is answered %d %s, want %d", claim, got.Code, got.Body, c.status)
		}
	}
}
