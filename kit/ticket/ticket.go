// Package ticket makes texts that leave the server, such as in a cookie or an address, and come
// back: encrypted, for one purpose, for a short time and good once, whichever replica gets them.
package ticket

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"example.com/latchkey/kit/seal"
)

// Tickets issues and opens tickets with a value.
type Tickets[Value any] struct {
	DB   *gorm.DB
	Keys seal.Keys
}

// Purpose is what a ticket is for, and how long it works.
type Purpose struct {
	Name string
	TTL  time.Duration
}

// Ticket is a ticket that has come back.
type Ticket[Value any] struct {
	ID      uuid.UUID
	Expires time.Time
	Value   Value
}

// Issue returns a new ticket.
func (t Tickets[Value]) Issue(value Value, to Purpose) string {
	// Unlike encoding/json, it writes & as one byte, and a cookie has at most 4096.
	text, err := json.Marshal(Ticket[Value]{uuid.Must(uuid.NewV7()), t.DB.NowFunc().Add(to.TTL), value}, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err) // the type of the value cannot be JSON
	}
	return base64.RawURLEncoding.EncodeToString(t.Keys.Encrypt(text, []byte(to.Name)))
}

// Open reports whether a text is a ticket for a purpose that has not expired.
func (t Tickets[Value]) Open(text string, to Purpose) (opened Ticket[Value], ok bool) {
	encrypted, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return opened, false
	}
	plain, _, err := t.Keys.Decrypt(encrypted, []byte(to.Name))
	return opened, err == nil && json.Unmarshal(plain, &opened) == nil && t.DB.NowFunc().Before(opened.Expires)
}

// SetCookie adds a cookie with a new ticket to the headers of an answer. Without a purpose, the
// browser deletes the cookie.
func (t Tickets[Value]) SetCookie(headers http.Header, cookie http.Cookie, value Value, to Purpose) { //nolint:gosec // its caller sets the attributes
	if cookie.MaxAge = -1; to.TTL > 0 {
		cookie.Value, cookie.MaxAge = t.Issue(value, to), int(to.TTL.Seconds())
	}
	headers.Add("Set-Cookie", cookie.String())
}

// OpenCookie is Open for the cookie of a request.
func (t Tickets[Value]) OpenCookie(r *http.Request, name string, to Purpose) (opened Ticket[Value], ok bool) {
	cookie, err := r.Cookie(name)
	if err != nil {
		return opened, false
	}
	return t.Open(cookie.Value, to)
}

// Use uses a ticket up, in a transaction or alone. It returns again if it was used before.
func (t Ticket[Value]) Use(tx *gorm.DB, again error) error {
	used := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&usedTicket{t.ID, t.Expires})
	if used.Error == nil && used.RowsAffected == 0 {
		return again
	}
	return used.Error
}

type usedTicket struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	ExpiresAt time.Time
}

// maxSkew is how late the clock of another process may be. There, a ticket has not expired
// yet.
const maxSkew = time.Hour

// Purge deletes what is known of used tickets that have expired.
func Purge(ctx context.Context, db *gorm.DB) error {
	db = db.WithContext(ctx)
	return db.Delete(&usedTicket{}, "expires_at < ?", db.NowFunc().Add(-maxSkew)).Error
}

// CreateUsedTickets makes the table of used tickets.
var CreateUsedTickets = &gormigrate.Migration{
	ID: "20261201_create_used_tickets",
	Migrate: func(tx *gorm.DB) error {
		type UsedTicket struct {
			ID        string    `gorm:"type:uuid;primaryKey"`
			ExpiresAt time.Time `gorm:"not null;index"`
		}
		return tx.Migrator().CreateTable(&UsedTicket{})
	},
	Rollback: func(tx *gorm.DB) error { return tx.Migrator().DropTable("used_tickets") },
}
