// Package own is the part of this project. Updates of the template do not change it.
package own

import "example.com/latchkey/app"

// Part returns the part. Its lists, such as the public routes and the commands, are those
// of app.Part.
func Part() app.Part {
	return app.Part{
		Name: "own",
		New:  start,
	}
}

// start returns what runs: hooks of accounts, claims, middleware, fields of the log, jobs
// and more. The lists are those of app.Running.
func start(a app.App) app.Running {
	return app.Running{}
}
