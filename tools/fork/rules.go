package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kind is a field type of the command line.
type kind struct {
	base, column string
	rules        []string
	wrong        string // a JSON value of another type
	right        string // a JSON value of this type
}

var kinds = map[string]kind{
	"string":     {"string", "string", []string{"required", "min", "max", "oneof", "email", "unique", "filter", "sort"}, "1", ""},
	"text":       {"string", "string", []string{"required", "min", "max"}, "1", ""},
	"int":        {"int64", "int64", []string{"required", "min", "max", "unique", "filter", "sort"}, `"x"`, "1"},
	"float":      {"float64", "float64", []string{"required", "min", "max", "sort"}, `"x"`, "1.5"},
	"bool":       {"bool", "bool", []string{"required", "filter"}, `"x"`, "true"},
	"time":       {"time.Time", "time.Time", []string{"sort"}, `"x"`, `"2026-11-23T12:00:00.000000Z"`},
	"uuid":       {"uuid.UUID", "string", []string{"unique", "filter"}, `"x"`, `"01900000-0000-7000-8000-000000000000"`},
	"references": {"uuid.UUID", "string", []string{"unique"}, `"x"`, ""},
}

const usage = `fields are NAME:TYPE:RULES, with a space between two: fields="title:string:required,max=200 done:bool due_at:time?:sort note:references"
types: string, text, int, float, bool, time, uuid, references (NAME is the resource it belongs to); with ? the field may be null
rules: required; min=N and max=N (characters, or the number); email and oneof=open|done, for string; unique; filter and sort, for the list`

// parseRules returns the rules as binding tags.
func parseRules(typed string, known kind, written string) (rules []string, err error) {
	for _, rule := range strings.FieldsFunc(written, func(r rune) bool { return r == ',' }) {
		name, value, valued := strings.Cut(rule, "=")
		if !slices.Contains(known.rules, name) {
			return nil, fmt.Errorf("%s is not a rule of a %s", rule, typed)
		}
		if hasRule(rules, name) {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		_, numberErr := strconv.ParseFloat(value, 64)
		if typed == "string" || typed == "text" || typed == "int" {
			_, numberErr = strconv.Atoi(value)
		}
		switch {
		case (name == "min" || name == "max") && numberErr != nil:
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

// Limits for combinations of rules.
const (
	maxIndexed = 500 // characters: PostgreSQL indexes up to 2,704 bytes
	minEmail   = 6   // characters: a@b.de
	minUnique  = 100 // values
)

// checkRules refuses rules that no value can satisfy, and values that are too long
// for an index.
func checkRules(known kind, rules []string, nullable bool) error {
	has := func(name string) bool { return hasRule(rules, name) }
	least, most := ruleNumber(rules, "min"), ruleNumber(rules, "max")
	text, number := known.base == "string", known.base == "int64" || known.base == "float64"
	switch {
	case nullable && has("required"):
		return errors.New("? allows null and required forbids it: remove one of them")
	case has("oneof") && (has("min") || has("max") || has("email")):
		return errors.New("oneof already limits the values: remove min, max and email")
	case text && (has("min") && least < 0 || has("max") && most < 1):
		return errors.New("a text needs a min of 0 or more and a max of 1 or more: correct min or max")
	case has("min") && has("max") && least > most:
		return errors.New("min is greater than max")
	case has("email") && has("max") && most < minEmail:
		return fmt.Errorf("an email has at least %d characters: correct max", minEmail)
	case text && (has("unique") || has("sort")) && most > maxIndexed:
		return fmt.Errorf("an index allows up to %d characters: correct max, or remove unique and sort", maxIndexed)
	case has("unique") && (has("oneof") || number && has("min") && has("max") && most-least < minUnique-1 || text && has("max") && most < 2):
		return fmt.Errorf("unique needs at least %d possible values: correct the other rules, or remove it", minUnique)
	}
	for _, rule := range rules {
		words, isChoice := strings.CutPrefix(rule, "oneof=")
		all := strings.Fields(words)
		if slices.Sort(all); isChoice && len(slices.Compact(all)) < len(strings.Fields(words)) {
			return errors.New("oneof has a word twice")
		}
	}
	return nil
}

// hasRule reports whether rules has a rule, with any value.
func hasRule(rules []string, name string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool { return strings.HasPrefix(rule+"=", name+"=") })
}

// removeRule removes a rule that is not for the binding tag.
func removeRule(rules *[]string, name string) (had bool) {
	had = hasRule(*rules, name)
	*rules = slices.DeleteFunc(*rules, func(rule string) bool { return rule == name })
	return had
}

// ruleNumber is the number of a rule, or 0 without the rule.
func ruleNumber(rules []string, name string) (number float64) {
	for _, rule := range rules {
		if value, ok := strings.CutPrefix(rule, name+"="); ok {
			number, _ = strconv.ParseFloat(value, 64)
		}
	}
	return number
}
