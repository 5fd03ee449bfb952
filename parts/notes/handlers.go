package notes

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// Notes are the current user's notes.
type Notes struct {
	DB *gorm.DB
}

// NewNote is the input of Create.
type NewNote struct {
	Title string `json:"title" binding:"required,max=200"`
	Body  string `json:"body" binding:"max=10000"`
}

// NoteID is the id of a note in the path.
type NoteID struct {
	ID uuid.UUID `path:"id"`
}

// NoteVersion is a note, in the version of If-Match if the header is sent.
type NoteVersion struct {
	NoteID
	IfMatch string `header:"If-Match"`
}

// NoteChange changes the fields that are sent.
type NoteChange struct {
	NoteVersion
	Title *string `json:"title" binding:"omitempty,min=1,max=200"`
	Body  *string `json:"body" binding:"omitempty,max=10000"`
}

// Index lists the notes.
func (n Notes) Index(ctx context.Context, user models.User, page rows.Page) (rows.List[Note], error) {
	return rows.Read[Note](rows.OwnedBy(n.DB.WithContext(ctx), user.ID), page)
}

// Create adds a note.
func (n Notes) Create(ctx context.Context, user models.User, in NewNote) (Note, error) {
	note := Note{
		Owned: models.Owned{OwnerID: user.ID},
		Title: in.Title,
		Body:  in.Body,
	}
	err := rows.Create(n.DB.WithContext(ctx), &note)
	return note, err
}

// Show returns a note.
func (n Notes) Show(ctx context.Context, user models.User, in NoteID) (Note, error) {
	return rows.Find[Note](rows.OwnedBy(n.DB.WithContext(ctx), user.ID), in.ID)
}

// Update changes a note.
func (n Notes) Update(ctx context.Context, user models.User, in NoteChange) (note Note, err error) {
	err = database.Transaction(n.DB.WithContext(ctx), func(tx *gorm.DB) error {
		note, err = rows.FindVersion[Note](rows.OwnedBy(tx, user.ID), in.ID, in.IfMatch)
		if err != nil {
			return err
		}
		rows.Set(&note.Title, in.Title)
		rows.Set(&note.Body, in.Body)
		return tx.Select("*").Updates(&note).Error
	})
	return note, err
}

// Delete deletes a note.
func (n Notes) Delete(ctx context.Context, user models.User, in NoteVersion) (endpoint.None, error) {
	return endpoint.None{}, database.Transaction(n.DB.WithContext(ctx), func(tx *gorm.DB) error {
		note, err := rows.FindVersion[Note](rows.OwnedBy(tx, user.ID), in.ID, in.IfMatch)
		if err != nil {
			return err
		}
		return tx.Delete(&note).Error
	})
}
