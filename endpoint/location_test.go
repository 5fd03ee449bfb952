package endpoint_test

import (
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/endpoint"
)

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
