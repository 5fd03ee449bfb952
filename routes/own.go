package routes

import (
	"example.com/latchkey/app"
	"example.com/latchkey/kit/endpoint"
)

// own returns the routes of this project. make resource adds to them. Updates of
// the template do not change this file.
func own(p app.Program) []endpoint.Route {
	table := []endpoint.Route{}
	return table
}
