package rows

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
)

// Base has the first columns of every table.
type Base struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt time.Time `json:"created_at"`
}

// BeforeCreate sets the id of a new row, a UUIDv7.
func (b *Base) BeforeCreate(*gorm.DB) (err error) {
	if b.ID.IsNil() {
		b.ID, err = uuid.NewV7()
	}
	return err
}

// Key returns the id, for generic code.
func (b Base) Key() uuid.UUID { return b.ID }

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
