package main

import (
	"bytes"
	"fmt"
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
	NewRules string    // its binding tag in the input of Create
	Rules    string    // its binding tag in the input of Update
	Refers   *resource // the resource that it belongs to
	Nullable bool
	Unique   bool // among the rows of an owner, or among all rows without an owner
	Filter   bool // the list can be filtered by it
	Sort     bool // the list can be sorted by it
	Cases    []string

	kind kind
}

func parseFields(root string, r *resource, text string) (fields []field) {
	seen := map[string]bool{}
	for _, written := range strings.Fields(text) {
		err := attempt(func() {
			made := parseField(root, r, written)
			refuse(seen[made.Go], "is given twice")
			seen[made.Go] = true
			fields = append(fields, made)
		})
		refuse(err != nil, "%s: %w\n%s", written, err, usage)
	}
	refuse(len(fields) == 0, "%s has no fields\n%s", r.Words, usage)
	return fields
}

func parseField(root string, r *resource, written string) field {
	parts := strings.SplitN(written, ":", 3)
	refuse(len(parts) < 2, "has no type")
	name, typed := parts[0], strings.TrimSuffix(parts[1], "?")
	known, ok := kinds[typed]
	refuse(!lowerWords.MatchString(name), "its name must be in lower case, with _ between words")
	refuse(!ok, "%s is not a type", parts[1])
	f := field{kind: known, Base: known.base, Nullable: typed != parts[1]}
	if typed == "references" {
		f.Refers = parent(root, r, name)
		name += "_id"
	}
	f.Name, f.Go = name, goName(name)
	r.checkField(name)
	rules := parseRules(typed, known, strings.Join(parts[2:], ""))
	if known.isText() && !hasRule(rules, "max") && !hasRule(rules, "oneof") { // every text has a maximum length
		rules = append(rules, map[string]string{"string": "max=200", "text": "max=10000"}[typed])
	}
	checkRules(known, rules, f.Nullable)
	f.Unique, f.Filter, f.Sort = removeRule(&rules, "unique"), removeRule(&rules, "filter") || f.Refers != nil, removeRule(&rules, "sort")
	f.derive(r, typed, rules)
	return f
}

// parent returns the resource that a field refers to. Users who write the field
// must be able to see the parent, and users who read it may see the parent.
func parent(root string, r *resource, name string) *resource {
	refuse(name == r.Name, "a resource cannot belong to itself")
	refuse(r.Part != "", "the table of a part is made before those of the project, so it cannot refer to %s: leave part= out", name)
	of := newResource(root, "", name)
	var model []byte
	if file := of.files()["row.go.tmpl"]; exists(root, file) {
		model = read(root, file)
	}
	switch {
	case regexp.MustCompile(`(?m)^\tOwned$`).Match(model):
	case !regexp.MustCompile(`(?m)^\tVersioned$`).Match(model):
		fail("there is no resource %s to refer to: add it first", name)
	case bytes.Contains(read(root, ownRoutes), []byte(`Protected("GET", "/`+of.Plural+`"`)):
		of.Access = shared
	default:
		of.Access = admin
	}
	refuse(r.Access != of.Access && (r.Access == owner && of.Access == admin || of.Access == owner), "%s has access=%s and %s has access=%s: not all users of one can see the rows of the other", r.Name, r.Access, name, of.Access)
	return of
}

// derive sets the rest of the field from its kind and rules.
func (f *field) derive(r *resource, typed string, rules []string) {
	has := func(name string) bool { return hasRule(rules, name) }
	text, number := f.kind.isText(), f.kind.isNumber()
	// A field that is left out is empty or zero. If that breaks a rule, or only one row may
	// have it, the field is required.
	smallest, largest := ruleNumber(rules, "min"), ruleNumber(rules, "max")
	required := has("required") || f.Unique || has("oneof") || has("email") || smallest > 0 || number && largest < 0 || !text && !number && typed != "bool"
	required = required && !f.Nullable
	removeRule(&rules, "required")
	notEmpty := rules
	if required && text && smallest < 1 && !has("oneof") && !has("email") {
		notEmpty = append([]string{"min=1"}, rules...)
	}
	f.Type, f.Column, f.Tag = f.Base, f.kind.column, "not null"
	f.NewRules, f.Rules = strings.Join(rules, ","), strings.Join(append([]string{"omitempty"}, notEmpty...), ",")
	if len(rules) == 0 {
		f.Rules = ""
	}
	switch {
	case f.Nullable:
		f.Type, f.Column, f.Tag, f.NewRules = "*"+f.Type, "*"+f.Column, "", f.Rules
	case required:
		f.NewRules = strings.Join(append([]string{"required"}, rules...), ",")
	}
	if f.Base == "uuid.UUID" {
		f.Tag = joinTags("type:uuid", f.Tag)
	}
	if f.Refers != nil {
		f.Tag = joinTags(f.Tag, "index")
	}
	if choice := strings.Fields(ruleValue(rules, "oneof")); len(choice) > 0 {
		f.Tag = joinTags(f.Tag, fmt.Sprintf(`check:chk_%s_%s,\"%s\" IN ('%s')`, r.Plural, f.Name, f.Name, strings.Join(choice, "', '")))
	}
	f.cases(rules, required)
}

func joinTags(tags ...string) string {
	return strings.Join(slices.DeleteFunc(tags, func(tag string) bool { return tag == "" }), ";")
}

// cases adds the cases of the field's test.
func (f *field) cases(rules []string, required bool) {
	add := func(value string, taken bool) {
		line := fmt.Sprintf("kit.Field(%q, %s, %s),", f.Name, value, map[bool]string{true: "kit.Taken", false: "kit.Refused"}[taken])
		if !slices.Contains(f.Cases, line) {
			f.Cases = append(f.Cases, line)
		}
	}
	add("kit.None", !required)
	add("`null`", f.Nullable)
	add("`"+f.kind.wrong+"`", false)
	if f.kind.right != "" && (!f.kind.isNumber() || len(rules) == 0) {
		add("`"+f.kind.right+"`", true)
	}
	for _, rule := range rules {
		name, value, _ := strings.Cut(rule, "=")
		sized := func(more float64) string {
			n := ruleNumber(rules, name) + more
			if f.kind.isNumber() {
				return "`" + strconv.FormatFloat(n, 'f', -1, 64) + "`"
			}
			return fmt.Sprintf("kit.Long(%d)", int(n))
		}
		switch {
		case name == "oneof":
			add("`\""+strings.Fields(value)[0]+"\"`", true)
			add("`\"other-than-these\"`", false)
		case name == "email":
			add("`\"ada@example.com\"`", true)
			add("`\"ada\"`", false)
		case name == "min" && (ruleNumber(rules, "min") > 0 || !f.kind.isText()):
			add(sized(0), true)
			add(sized(-1), false)
		case name == "max":
			if f.kind.isText() && !hasRule(rules, "min") && !hasRule(rules, "email") {
				add("`\"\"`", !required)
			}
			if !slices.Contains(rules, "email") {
				add(sized(0), true)
			}
			add(sized(1), false)
		}
	}
}
