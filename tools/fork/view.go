package main

import (
	"fmt"
	"slices"
	"strings"
)

// The methods of this file are called by the templates.

// WordsPlural is the plural with spaces between words.
func (r *resource) WordsPlural() string { return strings.ReplaceAll(r.Plural, "_", " ") }

// Receiver is the name of the methods' receiver.
func (r *resource) Receiver() string { return r.Plural[:1] }

// Owned reports whether each row belongs to a user.
func (r *resource) Owned() bool { return r.Access == owner }

// Base is the embedded struct of the model.
func (r *resource) Base() string {
	if r.Owned() {
		return "Owned"
	}
	return "Versioned"
}

// Caller is the parameter for the current user.
func (r *resource) Caller() string {
	if r.Owned() {
		return "user models.User"
	}
	return "_ models.User"
}

// Rows is an expression for the rows that the caller may use.
func (r *resource) Rows(db string) string {
	if r.Owned() {
		return "rows.OwnedBy(" + db + ", user.ID)"
	}
	return db
}

// Whose is the word before the list in a summary.
func (r *resource) Whose() string {
	if r.Owned() {
		return "my"
	}
	return "the"
}

// Read is the function that makes a route to read rows.
func (r *resource) Read() string {
	if r.Access == admin {
		return "Admin"
	}
	return "Protected"
}

// Write is the function that makes a route to change rows.
func (r *resource) Write() string {
	if r.Owned() {
		return "Protected"
	}
	return "Admin"
}

func (r *resource) with(matches func(field) bool) (fields []field) {
	for _, field := range r.Fields {
		if matches(field) {
			fields = append(fields, field)
		}
	}
	return fields
}

// Filters are the fields that filter the list.
func (r *resource) Filters() []field { return r.with(func(f field) bool { return f.Filter }) }

// Uniques are the unique fields.
func (r *resource) Uniques() []field { return r.with(func(f field) bool { return f.Unique }) }

// Sorts are the orders of the list, as in the oneof rule of a binding tag.
func (r *resource) Sorts() string {
	var sorts []string
	for _, field := range r.with(func(f field) bool { return f.Sort }) {
		sorts = append(sorts, field.Name, "-"+field.Name)
	}
	if len(sorts) == 0 {
		return ""
	}
	return strings.Join(append([]string{"created_at", "-created_at"}, sorts...), " ")
}

// HasQuery reports whether the list has filters or orders.
func (r *resource) HasQuery() bool { return len(r.Filters()) > 0 || r.Sorts() != "" }

// Index returns the GORM tag of a column, with its indexes after its other tags.
func (r *resource) Index(column string, tags ...string) string {
	add := func(kind, name string, columns ...string) {
		if r.Owned() {
			columns = slices.Insert(columns, 0, "owner_id")
		}
		if at := slices.Index(columns, column); at >= 0 && len(columns) > 1 {
			tags = append(tags, fmt.Sprintf("%s:%s,priority:%d", kind, name, at+1))
		} else if at >= 0 {
			tags = append(tags, kind+":"+name)
		}
	}
	if r.Owned() {
		add("index", "idx_"+r.Plural+"_owner", "id")
	}
	if r.Sorts() != "" {
		add("index", "idx_"+r.Plural+"_created_at", "created_at", "id")
	}
	for _, field := range r.with(func(f field) bool { return f.Sort }) {
		add("index", "idx_"+r.Plural+"_"+field.Name, field.Name, "id")
	}
	for _, field := range r.Uniques() {
		add("uniqueIndex", "unique_"+r.Plural+"_"+field.Name, field.Name)
	}
	return joinTags(tags...)
}

// Parents are the fields that refer to other resources.
func (r *resource) Parents() []field { return r.with(func(f field) bool { return f.Refers != nil }) }

// Imports are the imports of a model or of the handlers.
func (r *resource) Imports(of string) string {
	uses := func(base string) bool {
		return slices.ContainsFunc(r.Fields, func(f field) bool { return f.Base == base })
	}
	parents, handlers := len(r.Parents()) > 0, of == "handlers"
	groups := [][]string{{}, {}, {}}
	for _, path := range []struct {
		needed bool
		group  int
		path   string
	}{
		{handlers, 0, "context"},
		{handlers && parents, 0, "errors"},
		{uses("time.Time"), 0, "time"},
		{handlers || uses("uuid.UUID"), 1, "github.com/gofrs/uuid/v5"},
		{handlers, 1, "gorm.io/gorm"},
		{handlers, 2, kitModule + "/database"},
		{handlers, 2, kitModule + "/endpoint"},
		{handlers && parents, 2, kitModule + "/problem"},
		{handlers, 2, r.rows},
		{handlers, 2, r.Module + "/models"},
	} {
		if path.needed {
			groups[path.group] = append(groups[path.group], fmt.Sprintf("\t%q\n", path.path))
		}
	}
	var text []string
	for _, group := range groups {
		if len(group) > 0 {
			text = append(text, strings.Join(group, ""))
		}
	}
	return strings.Join(text, "\n")
}
