// Package notes is the part with the example of a resource.
package notes

import (
	"github.com/go-gormigrate/gormigrate/v2"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// Part returns the part.
func Part() app.Part {
	return app.Part{Name: "notes", Migrations: []*gormigrate.Migration{createNotes}, New: start}
}

func start(a app.App) app.Running {
	notes := Notes{DB: a.DB}
	return app.Running{Routes: func(accounts.Accounts) []endpoint.Route {
		return []endpoint.Route{
			app.Protected("GET", "/notes", "List my notes", notes.Index).TagText("The notes of each user."),
			app.Protected("POST", "/notes", "Add a note", notes.Create).Status(201),
			app.Protected("GET", "/notes/:id", "Show a note", notes.Show),
			app.Protected("PATCH", "/notes/:id", "Change a note", notes.Update).Errors(problem.PreconditionFailed),
			app.Protected("DELETE", "/notes/:id", "Delete a note", notes.Delete).Errors(problem.PreconditionFailed),
		}
	}}
}
