// Package models is the data as it is stored and shown, one file a table.
package models

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
)

// Base is what every table begins with.
type Base struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt time.Time `json:"created_at"`
}

// BeforeCreate gives a new row its UUIDv7.
func (b *Base) BeforeCreate(*gorm.DB) (err error) {
	if b.ID.IsNil() {
		b.ID, err = uuid.NewV7()
	}
	return err
}

// Key is the id, for code that is about any table.
func (b Base) Key() uuid.UUID { return b.ID }
