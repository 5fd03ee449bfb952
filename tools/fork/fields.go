package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// field is a column, as the templates write it.
type field struct {
	Name     string // due_at
	Go       string // DueAt
	Type     string // its Go type: *time.Time
	Base     string // the same, were it not nullable: time.Time
	Column   string // its Go type in the migration
	Tag      string // its tag there
	New      string // its type in the input that makes one
	NewRules string
	Value    string // what is made of that
	Change   string // its type in the input that changes one
	Rules    string
	Refers   *resource // what it belongs to
	Nullable bool
	Cases    []string
}

// kind is what a type of the command line stands for.
type kind struct {
	base, column string
	rules        []string
	wrong        string // a JSON value of another type
	right        string // one of this type
}

var kinds = map[string]kind{
	"string":     {"string", "string", []string{"required", "min", "max", "oneof", "email"}, "1", ""},
	"text":       {"string", "string", []string{"required", "min", "max"}, "1", ""},
	"int":        {"int64", "int64", []string{"required", "min", "max"}, `"x"`, "1"},
	"float":      {"float64", "float64", []string{"required", "min", "max"}, `"x"`, "1.5"},
	"bool":       {"bool", "bool", []string{"required"}, `"x"`, "true"},
	"time":       {"time.Time", "time.Time", nil, `"x"`, `"2026-11-23T12:00:00Z"`},
	"uuid":       {"uuid.UUID", "string", nil, `"x"`, `"01900000-0000-7000-8000-000000000000"`},
	"references": {"uuid.UUID", "string", nil, `"x"`, ""},
}

const usage = `fields are NAME:TYPE:RULES, with a space between two: fields="title:string:required,max=200 done:bool due_at:time? note:references"
types: string, text, int, float, bool, time, uuid, references (NAME is the resource it belongs to); with ? it may be null
rules: required, min=N and max=N (characters, or the number), and for string: email, oneof=open|done`

func parseFields(root string, r *resource, text string) (fields []field, err error) {
	seen := map[string]bool{}
	for _, written := range strings.Fields(text) {
		made, err := parseField(root, r, written)
		if err == nil && seen[made.Go] {
			err = errors.New("is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", written, err, usage)
		}
		seen[made.Go] = true
		fields = append(fields, made)
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no fields\n%s", r.Words, usage)
	}
	return fields, nil
}

func parseField(root string, r *resource, written string) (f field, err error) {
	parts := strings.SplitN(written, ":", 3)
	if len(parts) < 2 {
		return f, errors.New("has no type")
	}
	name, typed := parts[0], strings.TrimSuffix(parts[1], "?")
	known, ok := kinds[typed]
	switch {
	case !regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$`).MatchString(name):
		return f, errors.New("its name is to be in lower case, words joined by _")
	case !ok:
		return f, fmt.Errorf("%s is no type", parts[1])
	}
	f = field{Base: known.base, Column: known.column, Nullable: strings.HasSuffix(parts[1], "?"), Tag: "not null"}
	if typed == "references" {
		if f.Refers, err = parent(root, r, name); err != nil {
			return f, err
		}
		name += "_id"
	}
	f.Name, f.Go = name, goName(name)
	if reserved[f.Go] || f.Go == r.Type+"ID" || f.Go == r.Type+"Version" {
		return f, fmt.Errorf("every row has its own %s: say more, such as %s_%s", name, r.Name, name)
	}
	rules, err := parseRules(typed, known, strings.Join(parts[2:], ""))
	if err != nil {
		return f, err
	}
	if f.Nullable && slices.Contains(rules, "required") {
		return f, errors.New("? says that it may be missing, required that it may not: leave one out")
	}
	f.finish(typed, known, rules)
	return f, nil
}

// reserved are what the types of a resource hold besides its own fields.
var reserved = words("ID CreatedAt UpdatedAt OwnerID Owner Owned Base Key ETag IfMatch BeforeCreate Page Limit Cursor DB")

// parent is the resource that a field refers to.
func parent(root string, r *resource, name string) (*resource, error) {
	if name == r.Name {
		return nil, errors.New("a resource cannot belong to itself")
	}
	of, err := newResource(root, name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "models", name+".go"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !regexp.MustCompile(`(?m)^\tOwned$`).Match(text) {
		err = fmt.Errorf("there is no resource %s to belong to: make it first", name)
	}
	return of, err
}

// parseRules gives the rules as binding tags.
func parseRules(typed string, known kind, written string) (rules []string, err error) {
	for _, rule := range strings.FieldsFunc(written, func(r rune) bool { return r == ',' }) {
		name, value, valued := strings.Cut(rule, "=")
		if !slices.Contains(known.rules, name) {
			return nil, fmt.Errorf("%s is no rule of a %s", rule, typed)
		}
		if hasRule(rules, name) {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		_, noNumber := strconv.ParseFloat(value, 64)
		if typed == "string" || typed == "text" || typed == "int" {
			_, noNumber = strconv.Atoi(value)
		}
		switch {
		case (name == "min" || name == "max") && noNumber != nil:
			return nil, fmt.Errorf("%s needs a number, such as %s=10", name, name)
		case name == "oneof" && !regexp.MustCompile(`^[\w-]+(\|[\w-]+)*$`).MatchString(value):
			return nil, errors.New("oneof needs words, such as oneof=open|done")
		case valued != (name == "min" || name == "max" || name == "oneof"):
			return nil, fmt.Errorf("%s takes no value", name)
		}
		rules = append(rules, strings.ReplaceAll(rule, "|", " "))
	}
	return rules, nil
}

// hasRule reports whether a rule is among rules, whatever its value.
func hasRule(rules []string, name string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool { return strings.HasPrefix(rule+"=", name+"=") })
}

// bound is the number of a rule, 0 without it.
func bound(rules []string, name string) (number float64) {
	for _, rule := range rules {
		if value, ok := strings.CutPrefix(rule, name+"="); ok {
			number, _ = strconv.ParseFloat(value, 64)
		}
	}
	return number
}

// finish derives how the field is written from its kind and rules.
func (f *field) finish(typed string, known kind, rules []string) {
	text := known.base == "string"
	number := known.base == "int64" || known.base == "float64"
	has := func(name string) bool { return hasRule(rules, name) }
	if text && !has("max") && !has("oneof") { // whatever comes in has a bound
		rules = append(rules, map[string]string{"string": "max=200", "text": "max=10000"}[typed])
	}
	// What is left out is empty or zero: where that breaks a rule, it cannot be.
	smallest := bound(rules, "min")
	largest := bound(rules, "max")
	required := has("required") || has("oneof") || has("email") || smallest > 0 || number && largest < 0 || !text && !number && typed != "bool"
	required = required && !f.Nullable
	rules = slices.DeleteFunc(rules, func(rule string) bool { return rule == "required" })
	notEmpty := rules
	if required && text && smallest < 1 && !has("oneof") && !has("email") {
		notEmpty = append([]string{"min=1"}, rules...)
	}
	f.Type, f.New, f.Value, f.Change = f.Base, f.Base, "in."+f.Go, "*"+f.Base
	f.NewRules, f.Rules = join(rules...), join(append([]string{"omitempty"}, notEmpty...)...)
	switch {
	case f.Nullable:
		f.Type, f.New, f.Change, f.Tag = "*"+f.Base, "*"+f.Base, "**"+f.Base, ""
		f.Column = "*" + f.Column
		f.NewRules = f.Rules
	case required && (number || typed == "bool"):
		f.New, f.Value = "*"+f.Base, "*in."+f.Go // zero is not missing
		fallthrough
	case required:
		f.NewRules = join(append([]string{"required"}, rules...)...)
	}
	if len(rules) == 0 {
		f.Rules = ""
		if f.Nullable {
			f.NewRules = ""
		}
	}
	if f.Base == "uuid.UUID" {
		f.Tag = joinTags("type:uuid", f.Tag)
	}
	if f.Refers != nil {
		f.Tag = joinTags(f.Tag, "index")
	}
	f.cases(known, rules, required)
}

func join(rules ...string) string { return strings.Join(rules, ",") }

func joinTags(tags ...string) string {
	return strings.Join(slices.DeleteFunc(tags, func(tag string) bool { return tag == "" }), ";")
}

// cases are the claims of the test.
func (f *field) cases(known kind, rules []string, required bool) {
	add := func(value string, taken bool) {
		f.Cases = append(f.Cases, fmt.Sprintf("{%q, %s, %s},", f.Name, value, map[bool]string{true: "taken", false: "refused"}[taken]))
	}
	quote := func(json string) string { return "`" + json + "`" }
	add("none", !required)
	add(quote("null"), f.Nullable)
	add(quote(known.wrong), false)
	if known.right != "" {
		number := known.base == "int64" || known.base == "float64"
		if !number || len(rules) == 0 {
			add(quote(known.right), true)
		}
	}
	for _, rule := range rules {
		name, value, _ := strings.Cut(rule, "=")
		n, _ := strconv.ParseFloat(value, 64)
		word := func(n float64) string {
			if known.base == "string" {
				return fmt.Sprintf("long(%d)", int(n))
			}
			return quote(strconv.FormatFloat(n, 'f', -1, 64))
		}
		switch {
		case name == "oneof":
			add(quote(`"`+strings.Fields(value)[0]+`"`), true)
			add(quote(`"other-than-these"`), false)
		case name == "email":
			add(quote(`"ada@example.com"`), true)
			add(quote(`"ada"`), false)
		case name == "min" && (n > 0 || known.base != "string"):
			add(word(n), true)
			add(word(n-1), false)
		case name == "max":
			if known.base == "string" && !hasRule(rules, "min") && !hasRule(rules, "email") {
				add(quote(`""`), !required)
			}
			if !slices.Contains(rules, "email") {
				add(word(n), true)
			}
			add(word(n+1), false)
		}
	}
}
