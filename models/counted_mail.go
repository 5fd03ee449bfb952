package models

// CountedMail is a mail of the last hour, which counts for the limit of its kind.
type CountedMail struct {
	Base
	Address string // a keyed hash of where it went
	Kind    string
}
