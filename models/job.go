package models

import "time"

// Job is background work that waits, runs or has failed. One that succeeded is
// deleted.
type Job struct {
	Base
	Kind      string
	Args      string     // JSON
	RunAt     *time.Time // when an attempt may begin; while one runs, when it is given up for lost; nil if the job has failed
	Attempts  int        // how many have begun
	Error     string     // of the last attempt, "" while one runs
	UniqueKey *string    // no two jobs have the same one
}

// The states of a job.
const (
	JobWaiting = "waiting"
	JobRunning = "running"
	JobFailed  = "failed"
)

// State returns the state of a job at a time.
func (j Job) State(now time.Time) string {
	switch {
	case j.RunAt == nil:
		return JobFailed
	case j.Attempts > 0 && j.Error == "" && j.RunAt.After(now):
		return JobRunning
	}
	return JobWaiting
}
