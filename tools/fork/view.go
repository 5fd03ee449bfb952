package main

import (
	"fmt"
	"slices"
	"strings"
)

// What the templates ask of a resource.

// WordsPlural is the plural as people write it.
func (r *resource) WordsPlural() string { return strings.ReplaceAll(r.Plural, "_", " ") }

// Receiver is what the methods call their own.
func (r *resource) Receiver() string { return r.Plural[:1] }

// Owned reports whether each row belongs to a user.
func (r *resource) Owned() bool { return r.Access == owner }

// Base is what its model begins with.
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

// Rows are those of a database handle that the caller may use.
func (r *resource) Rows(db string) string {
	if r.Owned() {
		return "owned(" + db + ", user)"
	}
	return db
}

// Whose says whose the list is.
func (r *resource) Whose() string {
	if r.Owned() {
		return "my"
	}
	return "the"
}

// Read makes a route that reads rows.
func (r *resource) Read() string {
	if r.Access == admin {
		return "Admin"
	}
	return "Protected"
}

// Write makes a route that changes rows.
func (r *resource) Write() string {
	if r.Owned() {
		return "Protected"
	}
	return "Admin"
}

func (r *resource) with(has func(field) bool) (fields []field) {
	for _, field := range r.Fields {
		if has(field) {
			fields = append(fields, field)
		}
	}
	return fields
}

// Filters are the fields that a list may be asked for one value of.
func (r *resource) Filters() []field { return r.with(func(f field) bool { return f.Filter }) }

// Uniques are the fields whose values differ.
func (r *resource) Uniques() []field { return r.with(func(f field) bool { return f.Unique }) }

// Sorts are what a list may be ordered by, as a binding tag has it.
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

// Asked reports whether a list is asked for more than its page.
func (r *resource) Asked() bool { return len(r.Filters()) > 0 || r.Sorts() != "" }

// Outcome is the error of a change, in the words of the API.
func (r *resource) Outcome() string {
	switch {
	case len(r.Uniques()) == 0:
		return "err"
	case r.Owned():
		return r.Receiver() + ".unique(ctx, user, " + r.Var + ", err)"
	}
	return r.Receiver() + ".unique(ctx, " + r.Var + ", err)"
}

// Index is the part of a column in the indexes of the table, after its other tags.
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

// Imports are those of a model or of the handlers, in their order.
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
		{handlers, 2, r.Module + "/database"},
		{handlers, 2, r.Module + "/endpoint"},
		{handlers, 2, r.Module + "/models"},
		{handlers && parents, 2, r.Module + "/problem"},
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
