package models

// Note is what its owner wrote down.
type Note struct {
	Owned
	Title string `json:"title"`
	Body  string `json:"body"`
}
