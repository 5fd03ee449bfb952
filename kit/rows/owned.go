package rows

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Versioned has the first columns of a table whose rows have an ETag.
type Versioned struct {
	Base
	UpdatedAt time.Time `json:"updated_at"`
}

// ETag returns the version of a row: the microsecond of its last change, which GORM
// sets on every update (RFC 9110, section 8.8.3).
func (v Versioned) ETag() string { return fmt.Sprintf(`"%x"`, v.UpdatedAt.UnixMicro()) }

// Owned has the first columns of a table whose rows belong to a user.
type Owned struct {
	Versioned
	OwnerID uuid.UUID `json:"-"`
}
