package main

import (
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

func (k kind) isText() bool   { return k.base == "string" }
func (k kind) isNumber() bool { return k.base == "int64" || k.base == "float64" }

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
func parseRules(typed string, known kind, written string) (rules []string) {
	for _, rule := range strings.FieldsFunc(written, func(r rune) bool { return r == ',' }) {
		name, value, valued := strings.Cut(rule, "=")
		_, numberErr := strconv.ParseFloat(value, 64)
		if typed != "float" {
			_, numberErr = strconv.Atoi(value)
		}
		isLimit := name == "min" || name == "max"
		refuse(!slices.Contains(known.rules, name), "%s is not a rule of a %s", rule, typed)
		refuse(hasRule(rules, name), "%s is given twice", name)
		refuse(isLimit && numberErr != nil, "%s needs a number, such as %s=10", name, name)
		refuse(name == "oneof" && !regexp.MustCompile(`^[\w-]+(\|[\w-]+)*$`).MatchString(value), "oneof needs words, such as oneof=open|done")
		refuse(valued != (isLimit || name == "oneof"), "%s takes no value", name)
		rules = append(rules, strings.ReplaceAll(rule, "|", " "))
	}
	return rules
}

// Limits for combinations of rules: the characters of a text in an index, of which
// PostgreSQL takes 2,704 bytes; the characters of an email such as a@b.de; and the values
// among which one is unique.
const maxIndexed, minEmail, minUnique = 500, 6, 100

// checkRules refuses rules that no value can satisfy, and values that are too long
// for an index.
func checkRules(known kind, rules []string, nullable bool) {
	has := func(name string) bool { return hasRule(rules, name) }
	least, most := ruleNumber(rules, "min"), ruleNumber(rules, "max")
	text, number := known.isText(), known.isNumber()
	refuse(nullable && has("required"), "? allows null and required forbids it: remove one of them")
	refuse(has("oneof") && (has("min") || has("max") || has("email")), "oneof already limits the values: remove min, max and email")
	refuse(text && (has("min") && least < 0 || has("max") && most < 1), "a text needs a min of 0 or more and a max of 1 or more: correct min or max")
	refuse(has("min") && has("max") && least > most, "min is greater than max")
	refuse(has("email") && has("max") && most < minEmail, "an email has at least %d characters: correct max", minEmail)
	refuse(text && (has("unique") || has("sort")) && most > maxIndexed, "an index allows up to %d characters: correct max, or remove unique and sort", maxIndexed)
	refuse(has("unique") && (has("oneof") || number && has("min") && has("max") && most-least < minUnique-1 || text && has("max") && most < 2), "unique needs at least %d possible values: correct the other rules, or remove it", minUnique)
	choices := strings.Fields(ruleValue(rules, "oneof"))
	if different := slices.Compact(slices.Sorted(slices.Values(choices))); len(different) < len(choices) {
		fail("oneof has a word twice")
	}
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

// ruleValue is the value of a rule, or "" without the rule.
func ruleValue(rules []string, name string) (value string) {
	for _, rule := range rules {
		if after, ok := strings.CutPrefix(rule, name+"="); ok {
			value = after
		}
	}
	return value
}

// ruleNumber is the number of a rule, or 0 without the rule.
func ruleNumber(rules []string, name string) float64 {
	number, _ := strconv.ParseFloat(ruleValue(rules, name), 64)
	return number
}
