package routes

import (
	"example.com/latchkey/handlers"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// own returns the routes of this project. make resource adds to them. Updates of
// the template do not change this file.
func (a App) own() []endpoint.Route {
	notes := handlers.Notes{DB: a.DB}

	table := []endpoint.Route{
		Protected("GET", "/notes", "List my notes", notes.Index),
		Protected("POST", "/notes", "Add a note", notes.Create).Status(201),
		Protected("GET", "/notes/:id", "Show a note", notes.Show),
		Protected("PATCH", "/notes/:id", "Change a note", notes.Update).Errors(problem.PreconditionFailed),
		Protected("DELETE", "/notes/:id", "Delete a note", notes.Delete).Errors(problem.PreconditionFailed),
	}
	return table
}
