package rows

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// Page is the input of a list: the maximum number of items, and the cursor after
// which they start.
type Page struct {
	Limit  *int    `query:"limit" binding:"omitempty,min=1,max=100"`
	Cursor *string `query:"cursor"`

	sort string
}

// By returns the page with an order: a member of the items, such as starts_at, or
// -starts_at for descending. For nil, the newest items are first. Null is greater
// than any value.
func (p Page) By(sort *string) Page {
	Set(&p.sort, sort)
	return p
}

// maxPage, in bytes, is how much JSON the items of a page may have, so that a page has
// up to 1 MiB. One item may have more, and is then a page.
const maxPage = 1<<20 - 1<<10

// List is a page of a list. NextCursor is the cursor of the next page, or null on
// the last page.
type List[Item any] struct {
	Items      []Item  `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// Read reads a page of the rows that db selects. The next page starts after the
// position of the last row, so rows that are added do not shift it.
func Read[Row interface{ Key() uuid.UUID }](db *gorm.DB, page Page) (List[Row], error) {
	return ReadAs(db, page, func(row Row) Row { return row })
}

// ReadAs is Read, with items that show converts from rows.
func ReadAs[Row interface{ Key() uuid.UUID }, Item any](db *gorm.DB, page Page, show func(Row) Item) (found List[Item], err error) {
	limit := 20 // by default
	Set(&limit, page.Limit)
	db = db.Session(&gorm.Session{})
	by, err := parseOrder[Row](db, page.sort)
	if err == nil && page.Cursor != nil {
		db, err = by.after(db, *page.Cursor)
	}
	if err != nil {
		return found, err
	}
	var rows []Row
	if err := db.Order(by.sql()).Limit(limit + 1).Find(&rows).Error; err != nil {
		return found, err
	}
	if found.Items, err = firstItems(rows, limit, show); err == nil && len(found.Items) < len(rows) { // there is a next page
		last := rows[len(found.Items)-1]
		found.NextCursor, err = by.newCursor(db, last.Key(), reflect.ValueOf(last))
	}
	return found, err
}

// firstItems returns the items of a page.
func firstItems[Row, Item any](rows []Row, limit int, show func(Row) Item) ([]Item, error) {
	rows = rows[:min(limit, len(rows))]
	items, size := make([]Item, 0, len(rows)), 0
	for _, row := range rows {
		item := show(row)
		more, err := endpoint.JSONSize(item)
		if size += more + len(","); err != nil || len(items) > 0 && size > maxPage {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// order is the order of a list: by a column, and then by id, so that no two rows
// are equal. Without a column the newest row is first, because UUIDv7 sort by time.
type order struct {
	sort       string
	field      *schema.Field // of the column; nil for the newest first
	column     string        // quoted for SQL
	descending bool
}

// parseOrder takes the names of what an item shows.
func parseOrder[Row any](db *gorm.DB, sort string) (order, error) {
	if sort == "" {
		return order{}, nil
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
	if o.field == nil {
		return "id DESC"
	}
	direction, nulls := " ASC", " NULLS LAST"
	if o.descending {
		direction, nulls = " DESC", " NULLS FIRST"
	}
	if !o.nullable() { // without NULLS, an index can be used
		nulls = ""
	}
	return o.column + direction + nulls + ", id" + direction
}

// position is the content of a cursor: an order, and the position of a row in it.
type position struct {
	Sort  string         `json:"sort,omitempty"`
	Value jsontext.Value `json:"value,omitzero"`
	ID    uuid.UUID      `json:"id"`
}

// newCursor makes the cursor of a row.
func (o order) newCursor(db *gorm.DB, id uuid.UUID, row reflect.Value) (*string, error) {
	at := position{Sort: o.sort, ID: id}
	var valueErr error
	if o.field != nil {
		value, _ := o.field.ValueOf(db.Statement.Context, row)
		at.Value, valueErr = json.Marshal(value)
	}
	text, err := json.Marshal(at)
	return new(base64.RawURLEncoding.EncodeToString(text)), errors.Join(valueErr, err)
}

// after selects the rows after the position of a cursor, which a client may have forged.
func (o order) after(db *gorm.DB, cursor string) (*gorm.DB, error) {
	wrong := problem.Field("cursor", "is not a cursor of this list in this order")
	var at position
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(content, &at) != nil || at.Sort != o.sort {
		return nil, wrong
	}
	if o.field == nil {
		return db.Where("id < ?", at.ID), nil
	}
	into := reflect.New(o.field.FieldType)
	err = json.Unmarshal(at.Value, into.Interface())
	value := into.Elem()
	text := reflect.Indirect(value)
	if err != nil || text.Kind() == reflect.String && strings.Contains(text.String(), "\x00") { // PostgreSQL refuses it
		return nil, wrong
	}
	operator := " > "
	if o.descending {
		operator = " < "
	}
	switch null := o.nullable() && value.IsNil(); {
	case null && o.descending: // nulls are first
		return db.Where("("+o.column+" IS NOT NULL OR id < ?)", at.ID), nil
	case null: // nulls are last
		return db.Where(o.column+" IS NULL AND id > ?", at.ID), nil
	case o.nullable() && !o.descending:
		return db.Where("(("+o.column+", id) > (?, ?) OR "+o.column+" IS NULL)", value.Interface(), at.ID), nil
	}
	return db.Where("("+o.column+", id)"+operator+"(?, ?)", value.Interface(), at.ID), nil
}
