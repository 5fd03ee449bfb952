package endpoint

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/gofrs/uuid/v5"
)

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
