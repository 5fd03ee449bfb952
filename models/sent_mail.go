package models

import "github.com/gofrs/uuid/v5"

// SentMail is a mail of the last hour, which counts for the limit of its kind.
type SentMail struct {
	Base
	UserID uuid.UUID
	Kind   string
}
