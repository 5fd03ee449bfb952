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

// field is a column as the templates need it.
type field struct {
	Name     string    // due_at
	Go       string    // DueAt
	Type     string    // its Go type: *time.Time
	Base     string    // the type without the pointer of a nullable field: time.Time
	Column   string    // its Go type in the migration
	Tag      string    // its GORM tag in the migration
	New      string    // its type in the input of Create
	NewRules string    // its binding tag in the input of Create
	Change   string    // its type in the input of Update
	Rules    string    // its binding tag in the input of Update
	Refers   *resource // the resource that it belongs to
	Nullable bool
	Unique   bool // among the rows of an owner, or among all rows without an owner
	Filter   bool // the list can be filtered by it
	Sort     bool // the list can be sorted by it
	Cases    []string
}

func parseFields(root string, r *resource, text string) (fields []field, err error) {
	seen := map[string]bool{}
	for _, written := range strings.Fields(text) {
		made, err := parseField(root, r, written)
		if err == nil && seen[made.Go] {
			err = errors.New("is given twice")
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
	case !lowerWords.MatchString(name):
		return f, errors.New("its name must be in lower case, with _ between words")
	case !ok:
		return f, fmt.Errorf("%s is not a type", parts[1])
	}
	f = field{Base: known.base, Column: known.column, Nullable: strings.HasSuffix(parts[1], "?"), Tag: "not null"}
	if typed == "references" {
		if f.Refers, err = parent(root, r, name); err != nil {
			return f, err
		}
		name += "_id"
	}
	f.Name, f.Go = name, goName(name)
	if err := r.checkField(name); err != nil {
		return f, err
	}
	rules, err := parseRules(typed, known, strings.Join(parts[2:], ""))
	if err != nil {
		return f, err
	}
	if known.base == "string" && !hasRule(rules, "max") && !hasRule(rules, "oneof") { // every text has a maximum length
		rules = append(rules, map[string]string{"string": "max=200", "text": "max=10000"}[typed])
	}
	if err := checkRules(known, rules, f.Nullable); err != nil {
		return f, err
	}
	f.Unique, f.Filter, f.Sort = removeRule(&rules, "unique"), removeRule(&rules, "filter") || f.Refers != nil, removeRule(&rules, "sort")
	f.derive(r, typed, known, rules)
	return f, nil
}

// parent returns the resource that a field refers to. Users who write the field
// must be able to see the parent, and users who read it may see the parent.
func parent(root string, r *resource, name string) (*resource, error) {
	if name == r.Name {
		return nil, errors.New("a resource cannot belong to itself")
	}
	of, err := newResource(root, name)
	if err != nil {
		return nil, err
	}
	model, err := os.ReadFile(filepath.Join(root, "models", name+".go"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	table, err := os.ReadFile(filepath.Join(root, ownRoutes))
	switch {
	case err != nil:
		return nil, err
	case regexp.MustCompile(`(?m)^\tOwned$`).Match(model):
		of.Access = owner
	case !regexp.MustCompile(`(?m)^\tVersioned$`).Match(model):
		return nil, fmt.Errorf("there is no resource %s to refer to: add it first", name)
	case strings.Contains(string(table), `Protected("GET", "/`+of.Plural+`"`):
		of.Access = shared
	default:
		of.Access = admin
	}
	if r.Access != of.Access && (r.Access == owner && of.Access == admin || of.Access == owner) {
		return nil, fmt.Errorf("%s has access=%s and %s has access=%s: not all users of one can see the rows of the other", r.Name, r.Access, name, of.Access)
	}
	return of, nil
}

// derive sets the rest of the field from its kind and rules.
func (f *field) derive(r *resource, typed string, known kind, rules []string) {
	text := known.base == "string"
	number := known.base == "int64" || known.base == "float64"
	has := func(name string) bool { return hasRule(rules, name) }
	// A field that is left out is empty or zero. If that breaks a rule, or only one row may
	// have it, the field is required.
	smallest := ruleNumber(rules, "min")
	largest := ruleNumber(rules, "max")
	required := has("required") || f.Unique || has("oneof") || has("email") || smallest > 0 || number && largest < 0 || !text && !number && typed != "bool"
	required = required && !f.Nullable
	rules = slices.DeleteFunc(rules, func(rule string) bool { return rule == "required" })
	notEmpty := rules
	if required && text && smallest < 1 && !has("oneof") && !has("email") {
		notEmpty = append([]string{"min=1"}, rules...)
	}
	f.Type, f.New, f.Change = f.Base, f.Base, "*"+f.Base
	f.NewRules, f.Rules = join(rules...), join(append([]string{"omitempty"}, notEmpty...)...)
	switch {
	case f.Nullable:
		f.Type, f.New, f.Change, f.Tag = "*"+f.Base, "*"+f.Base, "**"+f.Base, ""
		f.Column = "*" + f.Column
		f.NewRules = f.Rules
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
	for _, rule := range rules {
		if choice, ok := strings.CutPrefix(rule, "oneof="); ok {
			f.Tag = joinTags(f.Tag, fmt.Sprintf(`check:chk_%s_%s,\"%s\" IN ('%s')`, r.Plural, f.Name, f.Name, strings.Join(strings.Fields(choice), "', '")))
		}
	}
	f.cases(known, rules, required)
}

func join(rules ...string) string { return strings.Join(rules, ",") }

func joinTags(tags ...string) string {
	return strings.Join(slices.DeleteFunc(tags, func(tag string) bool { return tag == "" }), ";")
}

// cases adds the cases of the field's test.
func (f *field) cases(known kind, rules []string, required bool) {
	add := func(value string, taken bool) {
		line := fmt.Sprintf("kit.Field(%q, %s, %s),", f.Name, value, map[bool]string{true: "kit.Taken", false: "kit.Refused"}[taken])
		if !slices.Contains(f.Cases, line) {
			f.Cases = append(f.Cases, line)
		}
	}
	quote := func(json string) string { return "`" + json + "`" }
	add("kit.None", !required)
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
		sized := func(n float64) string {
			if known.base == "string" {
				return fmt.Sprintf("kit.Long(%d)", int(n))
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
			add(sized(n), true)
			add(sized(n-1), false)
		case name == "max":
			if known.base == "string" && !hasRule(rules, "min") && !hasRule(rules, "email") {
				add(quote(`""`), !required)
			}
			if !slices.Contains(rules, "email") {
				add(sized(n), true)
			}
			add(sized(n+1), false)
		}
	}
}
