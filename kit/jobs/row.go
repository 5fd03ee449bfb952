package jobs

import (
	"time"

	"github.com/gofrs/uuid/v5"
)

// Row is a job in the database. One that succeeded is deleted. Its state is in three columns:
//
//	run_at     attempts  error
//	NULL       any       any      it has failed
//	later      1 or more ""       an attempt runs, which is given up for lost at run_at
//	any other                     it waits, and an attempt may begin at run_at
type Row struct {
	ID        uuid.UUID
	CreatedAt time.Time
	Kind      string
	Args      string // JSON
	RunAt     *time.Time
	Attempts  int     // how many have begun
	Ended     int     // the number of the last attempt that is known to have ended
	Error     string  // of the last attempt, "" while one runs
	UniqueKey *string // no two jobs have the same one
}

// The states of a job.
const (
	Waiting = "waiting"
	Running = "running"
	Failed  = "failed"
	Unknown = "unknown" // it would wait, but this program has no function for its kind
)

// State returns the state of a job at a time, if its kind is known.
func (j Row) State(now time.Time) string {
	switch {
	case j.RunAt == nil:
		return Failed
	case j.Attempts > 0 && j.Error == "" && j.RunAt.After(now):
		return Running
	}
	return Waiting
}

// TableName is the name of the table in GORM.
func (Row) TableName() string { return "jobs" }
