package endpoint

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/problem"
)

var marshalOptions = json.JoinOptions(marshalTimes, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))

// JSONSize returns how many bytes a value has in an answer.
func JSONSize(value any) (int, error) {
	text, err := json.Marshal(value, marshalOptions)
	return len(text), err
}

// writeAnswer encodes the JSON before it writes, so that an encoding error is
// answered 500. It writes a large answer only if there is room for it.
func (r Route) writeAnswer(c *gin.Context, out any) {
	if file, ok := out.(File); ok {
		file.write(c, r.status)
		return
	}
	body, err := json.Marshal(out, marshalOptions)
	if err != nil {
		problem.Write(c, err)
		return
	}
	if versioned, ok := out.(Versioned); ok {
		tag := versioned.ETag()
		c.Header("ETag", tag)
		if seen := c.GetHeader("If-None-Match"); seen != "" && isRead(c.Request.Method) && MatchesTag(seen, tag) {
			c.Status(http.StatusNotModified)
			return
		}
	}
	if all := r.answers; all != nil && len(body) > smallAnswer && isRead(c.Request.Method) {
		client := all.client(c.Request.Context())
		if !all.resize(client, 0, len(body)) {
			c.Writer.Header().Del("ETag")
			problem.Write(c, problem.Overloaded)
			return
		}
		defer all.resize(client, len(body), 0)
	}
	c.Data(r.status, "application/json; charset=utf-8", body)
}

// Versioned is an answer with an ETag header: a quoted string that changes when
// the answer changes (RFC 9110, section 8.8.3).
type Versioned interface{ ETag() string }

// MatchesTag reports whether an If-Match or If-None-Match header has a tag (RFC 9110,
// section 13.1). A proxy that compresses may make the tag weak or add -gzip to it,
// and the client sends back the changed tag. Both match, and so does * alone.
func MatchesTag(header, tag string) bool {
	if header == "*" {
		return true
	}
	for name := range strings.SplitSeq(header, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "W/")
		if name == tag || strings.TrimSuffix(name, `-gzip"`)+`"` == tag {
			return true
		}
	}
	return false
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// Keyed is an answer with an id.
type Keyed interface{ Key() uuid.UUID }

// Located adds a Location header to the routes that create what another route shows
// (RFC 9110, section 10.2.2). For example, POST /notes answers 201 with the path of
// the new note, if GET /notes/:id exists.
func Located(routes []Route) []Route {
	located := slices.Clone(routes)
	for i, route := range located {
		located[i].located = route.status == http.StatusCreated && route.Method == http.MethodPost && route.out != nil && route.out.Implements(reflect.TypeFor[Keyed]()) &&
			slices.ContainsFunc(routes, func(other Route) bool { return other.Method == http.MethodGet && other.Path == route.Path+"/:id" })
	}
	return located
}
