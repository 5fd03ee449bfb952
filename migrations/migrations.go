// Package migrations has all changes of the schema, with one file for each. Never edit a
// deployed one.
package migrations

import (
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/throttle"
)

// All returns the migrations of the template, oldest first, and then those of this
// project. Each one that a database does not have is applied. So a later migration of the
// template runs after the project's own in an existing database, and before them in a new
// one.
func All() database.Schema {
	return append(database.Schema{
		createUsers,
		createSessions,
		notifyRevocations,
		indexLiveSessions,
		addUserNames,
		jobs.CreateJobs,
		createSentMails,
		indexUsers,
		createEvents,
		createAPIKeys,
		throttle.CreateLoginFailures,
		createTOTP,
		jobs.TurnJobs,
		countEmailChanges,
		createCountedMails,
		dropNotifyRevoked,
	}, own()...)
}
