package handlers

import (
	"encoding/base64"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"example.com/latchkey/problem"
)

// Page is what a list is asked for: so many at most, from behind a cursor on.
type Page struct {
	Limit  *int    `query:"limit" binding:"omitempty,min=1,max=100"`
	Cursor *string `query:"cursor"`

	sort    string
	counted bool
}

// By returns the page of a list in the order of a member of its items, such as
// starts_at, or the reverse, -starts_at; the newest first for nil. Null is
// greater than any value.
func (p Page) By(sort *string) Page {
	if sort != nil {
		p.sort = *sort
	}
	return p
}

// Counted returns the page of a list that tells how many rows it has in all.
func (p Page) Counted() Page {
	p.counted = true
	return p
}

const defaultLimit = 20

// List is a page of a list. NextCursor is where the next one begins, null at
// the end. Total is there if the list is counted.
type List[Item any] struct {
	Items      []Item  `json:"items"`
	NextCursor *string `json:"next_cursor"`
	Total      *int64  `json:"total,omitempty"`
}

// list reads a page of the rows that db selects. The last row's place in the
// order stays a page's end, however many rows are added.
func list[Row interface{ Key() uuid.UUID }](db *gorm.DB, page Page) (found List[Row], err error) {
	limit := defaultLimit
	if page.Limit != nil {
		limit = *page.Limit
	}
	db = db.Session(&gorm.Session{})
	if page.counted {
		found.Total = new(int64)
		if err := db.Model(new(Row)).Count(found.Total).Error; err != nil {
			return found, err
		}
	}
	by, err := orderOf[Row](db, page.sort)
	if err == nil && page.Cursor != nil {
		db, err = by.behind(db, *page.Cursor)
	}
	if err != nil {
		return found, err
	}
	err = db.Order(by.sql()).Limit(limit + 1).Find(&found.Items).Error
	if err == nil && len(found.Items) > limit { // one more than asked for says that more follow
		found.Items = found.Items[:limit]
		last := found.Items[limit-1]
		found.NextCursor, err = by.cursor(db, last.Key(), reflect.ValueOf(last))
	}
	return found, err
}

// order is that of a list: by a column, and by the id among equal values, so
// that no two rows are equal. Without a column it is by the id alone, for
// UUIDv7 sort by time.
type order struct {
	sort       string
	field      *schema.Field // of the column; nil for the id alone
	column     string        // as SQL writes it
	descending bool
}

// orderOf takes the names of what an item shows.
func orderOf[Row any](db *gorm.DB, sort string) (order, error) {
	if sort == "" {
		return order{descending: true}, nil
	}
	rows := gorm.Statement{DB: db}
	if err := rows.Parse(new(Row)); err != nil {
		return order{}, err
	}
	member, descending := strings.CutPrefix(sort, "-")
	for _, field := range rows.Schema.Fields {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == member && field.DBName != "" {
			return order{sort, field, db.Statement.Quote(field.DBName), descending}, nil
		}
	}
	return order{}, problem.Field("sort", "is not a field of this list")
}

func (o order) nullable() bool { return o.field.FieldType.Kind() == reflect.Pointer }

func (o order) sql() string {
	way, nulls := " ASC", " NULLS LAST"
	if o.descending {
		way, nulls = " DESC", " NULLS FIRST"
	}
	switch {
	case o.field == nil:
		return "id" + way
	case !o.nullable(): // an index serves this as it is
		nulls = ""
	}
	return o.column + way + nulls + ", id" + way
}

// place is what a cursor holds: the order, and a row's place in it.
type place struct {
	Sort  string         `json:"sort,omitempty"`
	Value jsontext.Value `json:"value,omitzero"`
	ID    uuid.UUID      `json:"id"`
}

// cursor is the place of a row, as a client gets it.
func (o order) cursor(db *gorm.DB, id uuid.UUID, row reflect.Value) (*string, error) {
	at := place{Sort: o.sort, ID: id}
	if o.field != nil {
		value, _ := o.field.ValueOf(db.Statement.Context, row)
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		at.Value = text
	}
	text, err := json.Marshal(at)
	return new(base64.RawURLEncoding.EncodeToString(text)), err
}

// behind selects the rows that follow the place of a cursor.
func (o order) behind(db *gorm.DB, cursor string) (*gorm.DB, error) {
	at, value, ok := o.place(cursor)
	if !ok {
		return nil, problem.Field("cursor", "is not a cursor of this list in this order")
	}
	way := " > "
	if o.descending {
		way = " < "
	}
	switch null := o.field != nil && o.nullable() && value.IsNil(); {
	case o.field == nil:
		return db.Where("id"+way+"?", at.ID), nil
	case null && o.descending: // nulls are the first
		return db.Where("("+o.column+" IS NOT NULL OR id < ?)", at.ID), nil
	case null: // nulls are the last
		return db.Where(o.column+" IS NULL AND id > ?", at.ID), nil
	case o.nullable() && !o.descending:
		return db.Where("(("+o.column+", id) > (?, ?) OR "+o.column+" IS NULL)", value.Interface(), at.ID), nil
	}
	return db.Where("("+o.column+", id)"+way+"(?, ?)", value.Interface(), at.ID), nil
}

// place reads a cursor, which a client may have made up.
func (o order) place(cursor string) (at place, value reflect.Value, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &at) != nil || at.Sort != o.sort {
		return at, value, false
	}
	if o.field == nil {
		return at, value, true
	}
	into := reflect.New(o.field.FieldType)
	if json.Unmarshal(at.Value, into.Interface()) != nil {
		return at, value, false
	}
	value = into.Elem()
	word := reflect.Indirect(value)
	return at, value, word.Kind() != reflect.String || !strings.Contains(word.String(), "\x00") // which PostgreSQL has not
}

// shown is a list with each row as its reader sees it.
func shown[Row, Item any](rows List[Row], show func(Row) Item) List[Item] {
	items := make([]Item, len(rows.Items))
	for i, row := range rows.Items {
		items[i] = show(row)
	}
	return List[Item]{items, rows.NextCursor, rows.Total}
}
