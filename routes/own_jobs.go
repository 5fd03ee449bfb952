package routes

import "example.com/latchkey/kit/jobs"

// ownJobs returns the background work of this project. Updates of the template do not
// change this file.
func (a App) ownJobs() []jobs.Handler {
	return []jobs.Handler{
		// jobs.Handle(…) for a job that is added, jobs.Periodic(…) for one on a schedule
	}
}
