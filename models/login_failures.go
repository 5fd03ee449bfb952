package models

import "time"

// LoginFailures counts the wrong passwords and codes for an account from a source, for
// an account (its Source is empty), or from a source (its Account is empty).
type LoginFailures struct {
	Account  string // a keyed hash of the email
	Source   string // the network of a client, or the id of a session
	Failures int
	EndsAt   time.Time
}
