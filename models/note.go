package models

// Note is one of a user's notes.
type Note struct {
	Owned
	Title string `json:"title"`
	Body  string `json:"body"`
}
