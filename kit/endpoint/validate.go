package endpoint

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/locales/en"
	ut "github.com/go-playground/universal-translator"
	"github.com/go-playground/validator/v10"
	english "github.com/go-playground/validator/v10/translations/en"
	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/problem"
)

// embedded is the name of an embedded struct in a field's path. It is removed
// from the path.
const embedded = "@"

// rules checks the binding tags. It is Gin's own validator, so it also has the
// validations that an application registers as Gin's documentation shows.
var rules, translator = newRules()

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
	translator, _ := ut.New(locale, locale).GetTranslator(locale.Locale())
	if err := english.RegisterDefaultTranslations(rules, translator); err != nil {
		panic(err)
	}
	return rules, translator
}

// fieldErrors are the invalid fields in the order in which they were found. The first
// error of each is answered.
type fieldErrors struct {
	fields []problem.FieldError
	sent   map[string]any // parameters, by jsonName
	body   jsontext.Value // the JSON that is not yet in sent
}

// add adds a message about a field. None is "".
func (e *fieldErrors) add(field, message string) {
	if message != "" {
		e.fields = append(e.fields, problem.FieldError{Field: field, Message: message})
	}
}

// Rules are an application's own rules for an input. Their errors are answered
// together with those of the binding tags.
type Rules struct {
	of    reflect.Type
	check func(ctx context.Context, in any) []problem.FieldError
}

// NewRules makes Rules from a function that returns the invalid fields. It is called
// for every input, also for one that breaks other rules.
func NewRules[In any](check func(context.Context, In) []problem.FieldError) Rules {
	return Rules{reflect.TypeFor[In](), func(ctx context.Context, in any) []problem.FieldError { return check(ctx, in.(In)) }}
}

// Check validates an input that does not come from a request, also with its own rules.
func Check[In any](ctx context.Context, in In, own func(context.Context, In) []problem.FieldError) error {
	return new(fieldErrors).validate(ctx, reflect.ValueOf(in), tagJSON, NewRules(own))
}

// validate checks the rules of in and returns all errors as one problem. It names
// the fields of the body as tag names them.
func (e *fieldErrors) validate(ctx context.Context, in reflect.Value, tag string, own Rules) error {
	var all validator.ValidationErrors
	if err := rules.Struct(in.Interface()); err != nil && !errors.As(err, &all) {
		return err
	}
	broken := e.broken(all, places{"": {value: in, parent: in}}, "", tag)
	// The values of a map come in random order. Sorting short names first keeps the
	// items of a list in their order.
	slices.SortStableFunc(broken, func(a, b problem.FieldError) int {
		return cmp.Or(cmp.Compare(len(a.Field), len(b.Field)), cmp.Compare(a.Field, b.Field))
	})
	fields := slices.Concat(e.fields, broken)
	if own.check != nil {
		fields = append(fields, own.check(ctx, in.Interface())...)
	}
	if len(fields) == 0 {
		return nil
	}
	known := map[string]bool{}
	return problem.Invalid(slices.DeleteFunc(fields, func(f problem.FieldError) bool {
		again := known[f.Field]
		known[f.Field] = true
		return again
	})...)
}

// broken returns messages about the rules that a struct breaks, or a value with the name
// within. known has the place of that.
func (e *fieldErrors) broken(all validator.ValidationErrors, known places, within, tag string) (found []problem.FieldError) {
	in := known[""].value.Type()
	for _, rule := range all {
		name := strings.TrimPrefix(strings.ReplaceAll(rule.Namespace(), "."+embedded, ""), in.Name()+".")
		if tag == tagForm {
			field, _ := in.FieldByName(rule.StructField())
			name = cmp.Or(field.Tag.Get(tagForm), name)
		}
		if within != "" {
			name = strings.TrimSuffix(within+"."+name, ".")
		}
		if zero := e.sentZero(known, rule); zero.sent != nil {
			zero.value = reflect.New(rule.Type()) // the validator never takes a pointer for a missing value
			var others validator.ValidationErrors
			_ = errors.As(rules.VarWithValue(zero.value.Interface(), zero.parent.Interface(), zero.rules), &others)
			zero.value = zero.value.Elem()
			found = append(found, e.broken(others, places{"": zero}, name, tagJSON)...)
			continue
		}
		message := strings.TrimPrefix(rule.Translate(translator), rule.Field()+" ")
		if message == rule.Error() { // a validation of the application, without a translation
			message = "breaks the rule " + rule.Tag()
		}
		found = append(found, problem.FieldError{Field: name, Message: message})
	}
	return found
}

// mismatch returns where an error is inside a field of type t, and what is expected
// there. It never repeats the client's value, which may be a password.
func mismatch(err error, t reflect.Type) (within, message string) {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		within = strings.ReplaceAll(string(semantic.JSONPointer), "/", ".")
		t, err = cmp.Or(semantic.GoType, t), semantic.Err
	}
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return within, unknownField
	case err != nil && t.Kind() == reflect.String && (semantic == nil || semantic.JSONKind == '"'):
		return within, err.Error() // the message of UnmarshalText
	}
	return within, "must be " + describeType(t)
}

var expectedTypes = map[reflect.Type]string{
	reflect.TypeFor[uuid.UUID](): "a UUID",
	reflect.TypeFor[time.Time](): "a time, such as 2006-01-02T15:04:05Z",
}

var expectedKinds = map[reflect.Kind]string{
	reflect.Bool: "true or false", reflect.String: "a string", reflect.Slice: "a list", reflect.Array: "a list",
	reflect.Struct: "an object", reflect.Map: "an object", reflect.Float32: "a number", reflect.Float64: "a number",
}

func describeType(t reflect.Type) string {
	t = pointee(t)
	return cmp.Or(expectedTypes[t], expectedKinds[t.Kind()], "a whole number that fits")
}
