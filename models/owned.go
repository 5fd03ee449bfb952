package models

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Owned is what every table of a user's own things begins with.
type Owned struct {
	Base
	UpdatedAt time.Time `json:"updated_at"`
	OwnerID   uuid.UUID `json:"-"`
}

// ETag is the version of a row: the microsecond of its last change, which GORM
// keeps on every update (RFC 9110, section 8.8.3).
func (o Owned) ETag() string { return fmt.Sprintf(`"%x"`, o.UpdatedAt.UnixMicro()) }
