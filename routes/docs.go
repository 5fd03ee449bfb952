package routes

import (
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
)

// page returns the routes of the page to try the API.
func page() []endpoint.Route {
	docs := handlers.NewDocs()
	return []endpoint.Route{
		endpoint.Gin("GET", "/", "To the page", docs.Home),
		endpoint.Gin("GET", "/docs", "The page to try this API on", docs.Page),
		endpoint.Gin("GET", "/docs/:file", "What the page loads", docs.File),
	}
}
