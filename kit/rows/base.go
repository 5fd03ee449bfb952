package rows

import (
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
