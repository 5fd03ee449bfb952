package endpoint

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gofrs/uuid/v5"
)

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

// joinConditions joins the lines of If-Match and If-None-Match, which are lists (RFC 9110,
// section 5.3): everyone who reads them, also net/http, reads only the first line.
func joinConditions(header http.Header) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if lines := header.Values(name); len(lines) > 1 {
			header.Set(name, strings.Join(lines, ", "))
		}
	}
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
