package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// The tags that name the source of an input's field. A field has one source,
// except that a field of the body may have both json and formData.
const (
	tagPath   = "path"
	tagQuery  = "query"
	tagHeader = "header"
	tagJSON   = "json"
	tagForm   = "formData"
	tagBody   = "body" // the unparsed body; the tag lists its media types
)

var tags = [...]string{tagPath, tagQuery, tagHeader, tagJSON, tagForm, tagBody}

// ginTags are tags that only Gin's own binding reads, and what to write instead.
var ginTags = map[string]string{"uri": tagPath, "form": tagQuery + " or " + tagForm}

// binder fills one input type from a request: first the body, then the query, the
// headers and the path. Then it validates the input once.
type binder struct {
	fields map[string][]field // by tag, sorted by name
	bodies map[string]string  // media type of the body → tag of its fields
	patch  bool
}

// field is a field of an input, by its name in one source.
type field struct {
	name string
	reflect.StructField
}

// newBinder returns an error that names each field without exactly one source, or
// with a type that its source cannot fill.
func newBinder(route Route) (binder, error) {
	b := binder{fields: map[string][]field{}, bodies: map[string]string{}, patch: route.Method == http.MethodPatch}
	var errs []error
	in, rulesOf := route.in, route.own.of
	switch {
	case rulesOf != nil && rulesOf != in:
		return b, fmt.Errorf("has the input %v, but its rules are for a %v", in, rulesOf)
	case in == nil: // a Gin handler
		return b, nil
	case in.Kind() != reflect.Struct:
		return b, fmt.Errorf("%v is not a struct", in)
	}
	for _, field := range reflect.VisibleFields(in) {
		if err := b.addField(field, route.Path); err != nil {
			errs = append(errs, fmt.Errorf("%v.%s %w", in, field.Name, err))
		}
	}
	for _, fields := range b.fields {
		slices.SortFunc(fields, func(one, other field) int { return cmp.Compare(one.name, other.name) })
	}
	b.addBodies()
	if len(b.fields[tagBody]) > 0 && len(b.fields[tagJSON])+len(b.fields[tagForm]) > 0 {
		errs = append(errs, fmt.Errorf("%v has a field for the whole body and other fields of the body", in))
	}
	return b, errors.Join(errs...)
}

func (b binder) addField(found reflect.StructField, path string) error {
	for tag, instead := range ginTags {
		if _, used := found.Tag.Lookup(tag); used {
			return fmt.Errorf("has the tag %s of Gin's own binding: use %s", tag, instead)
		}
	}
	switch {
	case found.Anonymous && found.Type.Kind() == reflect.Pointer:
		return errors.New("is an embedded pointer: embed the struct itself")
	case found.Anonymous || !found.IsExported():
		return nil
	}
	var sources []string
	for _, tag := range tags {
		names := sourceNames(found, tag, path)
		if len(names) > 0 {
			sources = append(sources, tag)
		}
		for _, name := range names {
			if _, taken := b.field(tag, name); taken {
				return fmt.Errorf("has the same %s name as another field: %s", tag, name)
			}
			b.fields[tag] = append(b.fields[tag], field{name, found})
		}
	}
	if len(sources) != 1 && !slices.Equal(sources, []string{tagJSON, tagForm}) {
		return fmt.Errorf("needs one source: path (with a name in the route's path), query, header, json, formData, json and formData, or body; it has %v", sources)
	}
	return checkType(found.Type, sources)
}

// field finds a field by its name in one source.
func (b binder) field(tag, name string) (found field, known bool) {
	i := slices.IndexFunc(b.fields[tag], func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return b.fields[tag][i], true
}

// sourceNames returns the names of a field in one source: a single name, or the
// media types of the body.
func sourceNames(field reflect.StructField, tag, path string) []string {
	names := strings.Split(field.Tag.Get(tag), ",")
	switch name := names[0]; {
	case name == "" || name == "-", tag == tagPath && !slices.Contains(pathNames(path), name):
		return nil
	case tag == tagBody:
		return names
	case tag == tagHeader:
		return []string{http.CanonicalHeaderKey(name)}
	default:
		return []string{name}
	}
}

// pathParameters matches the parameters of a path as Gin writes them.
var pathParameters = regexp.MustCompile(`/[:*]([^/]+)`)

func pathNames(path string) (names []string) {
	for _, found := range pathParameters.FindAllStringSubmatch(path, -1) {
		names = append(names, found[1])
	}
	return names
}

// checkType returns an error if a field of type t cannot be filled from its
// sources. The types of JSON fields are checked later, when they are described.
func checkType(t reflect.Type, sources []string) error {
	first, last := sources[0], sources[len(sources)-1]
	switch {
	case last == tagBody && t != reflect.TypeFor[[]byte]():
		return fmt.Errorf("is a %v, but the whole body needs a []byte", t)
	case last == tagBody, last == tagJSON, first == tagForm && isFile(t):
		return nil
	case first == tagPath && isList(t):
		return fmt.Errorf("is a %v, but a path parameter has one value", t)
	case !fromText(t) && (!isList(t) || !fromText(t.Elem())):
		return fmt.Errorf("is a %v, which a %s value cannot fill: give it an UnmarshalText method", t, last)
	}
	return nil
}

// fill fills in from the request. An error about the input is a *problem.Problem.
func (b binder) fill(c *gin.Context, in reflect.Value, own Rules) error {
	if len(b.fields) == 0 {
		return nil
	}
	errs := fieldErrors{sent: map[string]any{}}
	tag := tagJSON
	if len(b.bodies) > 0 {
		var err error
		if tag, err = b.body(c.Request, in, &errs); err != nil {
			return err
		}
	}
	if b.fields[tagQuery] != nil {
		query, err := parseForm(c.Request.URL.RawQuery)
		if err != nil {
			return problem.Field("query", err.Error())
		}
		b.setValues(tagQuery, query, nil, in, &errs)
	}
	b.setValues(tagHeader, c.Request.Header, nil, in, &errs)
	for _, field := range b.fields[tagPath] {
		if setText(in.FieldByIndex(field.Index), c.Param(field.name)) != "" {
			return problem.NotFound
		}
		errs.sentParameter(field, 1)
	}
	ctx := c.Request.Context()
	if err := ctx.Err(); err != nil {
		return err
	}
	return errs.validate(ctx, in, tag, own)
}
