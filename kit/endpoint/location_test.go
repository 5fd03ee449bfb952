package endpoint_test

import (
	"context"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/endpoint"
)

type made struct {
	ID uuid.UUID `json:"id"`
}

func (m made) Key() uuid.UUID { return m.ID }

func TestALocationIsEscaped(t *testing.T) {
	type in struct {
		Project string `path:"project"`
	}
	routes := endpoint.Located([]endpoint.Route{
		endpoint.Public("POST", "/:project/notes", "", func(context.Context, in) (made, error) { return made{}, nil }).Status(201),
		endpoint.Gin("GET", "/:project/notes/:id", "", func(*gin.Context) {}),
	})
	for _, path := range []string{"/a%20b%3Fc/notes", "/a%25b/notes", "/%C3%A9%0D%0A/notes"} {
		if at := call(routes[0], path, "").Header().Get("Location"); at != path+"/"+uuid.Nil.String() {
			t.Errorf("POST %s is answered with Location %s", path, at)
		}
	}
}

func TestAGinHandlerMayCreateWhatAnotherRouteShows(t *testing.T) {
	handle := func(*gin.Context) {}
	routes := endpoint.Located([]endpoint.Route{
		endpoint.Gin("POST", "/things", "Create a thing", handle).Status(201),
		endpoint.Gin("GET", "/things/:id", "Show a thing", handle),
	})
	if len(routes) != 2 {
		t.Errorf("%d routes are left", len(routes))
	}
}
