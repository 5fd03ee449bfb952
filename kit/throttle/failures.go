package throttle

import "time"

// Failures counts the wrong passwords and codes for an account from a source, for
// an account (its Source is empty), or from a source (its Account is empty). A row
// without failures is a network from which the account has logged in.
type Failures struct {
	Account  string // a keyed hash of its name, with a prefix for codes
	Source   string // the network of a client, or the id of a session
	Failures int
	EndsAt   time.Time
}

// TableName is the name of the table in GORM.
func (Failures) TableName() string { return "login_failures" }
