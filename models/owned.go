package models

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Versioned is what every table begins with whose rows are changed.
type Versioned struct {
	Base
	UpdatedAt time.Time `json:"updated_at"`
}

// ETag is the version of a row: the microsecond of its last change, which GORM
// keeps on every update (RFC 9110, section 8.8.3).
func (v Versioned) ETag() string { return fmt.Sprintf(`"%x"`, v.UpdatedAt.UnixMicro()) }

// Owned is what every table of a user's own things begins with.
type Owned struct {
	Versioned
	OwnerID uuid.UUID `json:"-"`
}
