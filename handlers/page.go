package handlers

import (
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
)

// Page is what a list is asked for: so many at most, from behind a cursor on.
type Page struct {
	Limit  *int       `query:"limit" binding:"omitempty,min=1,max=100"`
	Cursor *uuid.UUID `query:"cursor"`
}

const defaultLimit = 20

// List is a page of a list, the newest first. NextCursor is where the next one
// begins, null at the end.
type List[Item any] struct {
	Items      []Item     `json:"items"`
	NextCursor *uuid.UUID `json:"next_cursor"`
}

// list reads a page of the rows that db selects. UUIDv7 sort by time, so the
// id of a page's last row stays its end, however many rows are added.
func list[Row interface{ Key() uuid.UUID }](db *gorm.DB, page Page) (found List[Row], err error) {
	limit := defaultLimit
	if page.Limit != nil {
		limit = *page.Limit
	}
	if page.Cursor != nil {
		db = db.Where("id < ?", *page.Cursor)
	}
	err = db.Order("id DESC").Limit(limit + 1).Find(&found.Items).Error
	if len(found.Items) > limit { // one more than asked for says that more follow
		found.Items = found.Items[:limit]
		last := found.Items[limit-1].Key()
		found.NextCursor = &last
	}
	return found, err
}

// shown is a list with each row as its reader sees it.
func shown[Row, Item any](rows List[Row], show func(Row) Item) List[Item] {
	items := make([]Item, len(rows.Items))
	for i, row := range rows.Items {
		items[i] = show(row)
	}
	return List[Item]{items, rows.NextCursor}
}
