// Package migrations has all changes of the schema, with one file for each. Never edit a
// deployed one.
package migrations

import (
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/throttle"
)

// Core returns the migrations of the template that no part has, oldest first.
func Core() database.Schema {
	return database.Schema{
		createUsers,
		createSessions,
		notifyRevocations,
		indexLiveSessions,
		addUserNames,
		jobs.CreateJobs,
		indexUsers,
		throttle.CreateLoginFailures,
		jobs.TurnJobs,
		countEmailChanges,
		dropNotifyRevoked,
	}
}
