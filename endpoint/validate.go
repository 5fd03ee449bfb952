package endpoint

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-json-experiment/json"
	"github.com/go-playground/locales/en"
	ut "github.com/go-playground/universal-translator"
	"github.com/go-playground/validator/v10"
	english "github.com/go-playground/validator/v10/translations/en"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/problem"
)

// embedded stands for an embedded struct in a field's path, to be cut out.
const embedded = "@"

// rules checks the binding tags. It is Gin's own engine, so a validation that is
// registered as Gin's documentation shows is one of them.
var rules, words = newRules()

func newRules() (*validator.Validate, ut.Translator) {
	rules := binding.Validator.Engine().(*validator.Validate)
	validator.WithRequiredStructEnabled()(rules)
	rules.RegisterTagNameFunc(func(field reflect.StructField) string {
		for _, tag := range tags {
			if name, _, _ := strings.Cut(field.Tag.Get(tag), ","); name != "" && tag == tagBody {
				return tagBody
			} else if name != "" {
				return name
			}
		}
		if field.Anonymous {
			return embedded
		}
		return field.Name
	})
	locale := en.New()
	words, _ := ut.New(locale, locale).GetTranslator(locale.Locale())
	if err := english.RegisterDefaultTranslations(rules, words); err != nil {
		panic(err)
	}
	return rules, words
}

// faults are the fields at fault, each with its first fault, in the order in
// which they were found.
type faults struct {
	fields []problem.FieldError
	names  map[string]struct{}
}

func (f *faults) add(field, message string) {
	if _, known := f.names[field]; known {
		return
	}
	if f.names == nil {
		f.names = map[string]struct{}{}
	}
	f.names[field] = struct{}{}
	f.fields = append(f.fields, problem.FieldError{Field: field, Message: message})
}

// Rules are an application's own about an input, told with those of its tags.
type Rules struct {
	of    reflect.Type
	check func(in any) []problem.FieldError
}

// NewRules makes Rules of a function that gives the fields at fault. It is asked
// about every input, also one that breaks other rules.
func NewRules[In any](check func(In) []problem.FieldError) Rules {
	return Rules{reflect.TypeFor[In](), func(in any) []problem.FieldError { return check(in.(In)) }}
}

// Check holds an input that no request brought to its rules.
func Check(in any) error {
	var found faults
	return found.validate(reflect.ValueOf(in), tagJSON, Rules{})
}

// validate checks the rules of in and gives all faults as one problem. Body
// fields are called what tag calls them.
func (f *faults) validate(in reflect.Value, tag string, own Rules) error {
	var broken validator.ValidationErrors
	if err := rules.Struct(in.Interface()); err != nil && !errors.As(err, &broken) {
		return err
	}
	// A map's values come in any order. With the shortest names first, the items
	// of a list stay in theirs.
	slices.SortStableFunc(broken, func(a, b validator.FieldError) int {
		return cmp.Or(cmp.Compare(len(a.Namespace()), len(b.Namespace())), cmp.Compare(a.Namespace(), b.Namespace()))
	})
	for _, rule := range broken {
		name := strings.TrimPrefix(strings.ReplaceAll(rule.Namespace(), "."+embedded, ""), in.Type().Name()+".")
		if field, ok := in.Type().FieldByName(rule.StructField()); ok && tag == tagForm {
			name = field.Tag.Get(tagForm)
		}
		message := strings.TrimPrefix(rule.Translate(words), rule.Field()+" ")
		if message == rule.Error() { // a rule of the application's own, without words
			message = "breaks the rule " + rule.Tag()
		}
		f.add(name, message)
	}
	if own.check != nil {
		for _, fault := range own.check(in.Interface()) {
			f.add(fault.Field, fault.Message)
		}
	}
	if len(f.fields) == 0 {
		return nil
	}
	return problem.Invalid(f.fields...)
}

// mismatch says where inside a field of type t the fault is, and what should
// stand there. It never repeats what was sent: that may be a password.
func mismatch(err error, t reflect.Type) (within, message string) {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		within = strings.ReplaceAll(string(semantic.JSONPointer), "/", ".")
		t, err = cmp.Or(semantic.GoType, t), semantic.Err
	}
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return within, notAField
	case err != nil && t.Kind() == reflect.String && (semantic == nil || semantic.JSONKind == '"'):
		return within, err.Error() // UnmarshalText's own words
	}
	return within, "must be " + kindWords(t)
}

func kindWords(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return kindWords(t.Elem())
	}
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return "a UUID"
	case reflect.TypeFor[time.Time]():
		return "a time, such as 2006-01-02T15:04:05Z"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number that fits"
}
