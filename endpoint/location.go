package endpoint

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/gofrs/uuid/v5"
)

// Keyed is an answer that is known by its id.
type Keyed interface{ Key() uuid.UUID }

// Located returns the routes with a Location in the answer of those that make what
// another of them shows by its id (RFC 9110, section 10.2.2): POST /notes answers 201, and
// GET /notes/:id shows what was made.
func Located(routes []Route) []Route {
	located := slices.Clone(routes)
	for i, route := range located {
		located[i].located = route.status == http.StatusCreated && route.Method == http.MethodPost && route.out.Implements(reflect.TypeFor[Keyed]()) &&
			slices.ContainsFunc(routes, func(other Route) bool { return other.Method == http.MethodGet && other.Path == route.Path+"/:id" })
	}
	return located
}
