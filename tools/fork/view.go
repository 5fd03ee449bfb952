package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The methods of this file are called by the templates.

// WordsPlural is the plural with spaces between words.
func (r *resource) WordsPlural() string { return strings.ReplaceAll(r.Plural, "_", " ") }

// Kit is the module of the kit.
func (r *resource) Kit() string { return kitModule }

// Package is the package of a file that is in a layer, unless it is in a part.
func (r *resource) Package(layer string) string { return cmp.Or(r.Part, layer) }

// Owned reports whether each row belongs to a user.
func (r *resource) Owned() bool { return r.Access == owner }

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
