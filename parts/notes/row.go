package notes

import "example.com/latchkey/models"

// Note is one of a user's notes.
type Note struct {
	models.Owned
	Title string `json:"title"`
	Body  string `json:"body"`
}
