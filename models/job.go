package models

import "time"

// Job is background work. One that succeeded is deleted. Its state is in three columns:
//
//	run_at     attempts  error
//	NULL       any       any      it has failed
//	later      1 or more ""       an attempt runs, which is given up for lost at run_at
//	any other                     it waits, and an attempt may begin at run_at
type Job struct {
	Base
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
	JobWaiting = "waiting"
	JobRunning = "running"
	JobFailed  = "failed"
	JobUnknown = "unknown" // it would wait, but this program has no function for its kind
)

// State returns the state of a job at a time, if its kind is known.
func (j Job) State(now time.Time) string {
	switch {
	case j.RunAt == nil:
		return JobFailed
	case j.Attempts > 0 && j.Error == "" && j.RunAt.After(now):
		return JobRunning
	}
	return JobWaiting
}
