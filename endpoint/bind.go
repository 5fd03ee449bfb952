package endpoint

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/problem"
)

// The tags that say where a field of an input comes from. A field has one
// source; a body's may come as JSON, as a form, or as either.
const (
	tagPath   = "path"
	tagQuery  = "query"
	tagHeader = "header"
	tagJSON   = "json"
	tagForm   = "formData"
	tagBody   = "body" // the whole body as it was sent; the tag names its media types
)

var tags = [...]string{tagPath, tagQuery, tagHeader, tagJSON, tagForm, tagBody}

// ginTags are tags that Gin's own binding reads and this one does not.
var ginTags = map[string]string{"uri": tagPath, "form": tagQuery + " or " + tagForm}

// binder fills one input type: the body first, then the query and the headers,
// the path last, and validates the whole once.
type binder struct {
	fields map[string]map[string][]int // tag → name → index in the struct
	bodies map[string]string           // media type of a body → the tag of its fields
	patch  bool
}

// newBinder fails, naming the field, where one has no source or two, or a type
// that its source cannot fill.
func newBinder(in reflect.Type, method, path string) (binder, error) {
	b := binder{fields: map[string]map[string][]int{}, bodies: map[string]string{}, patch: method == http.MethodPatch}
	if in.Kind() != reflect.Struct {
		return b, fmt.Errorf("%v is not a struct", in)
	}
	var faults []error
	for _, field := range reflect.VisibleFields(in) {
		if err := b.add(field, path); err != nil {
			faults = append(faults, fmt.Errorf("%v.%s %w", in, field.Name, err))
		}
	}
	b.addBodies(in)
	if len(b.fields[tagBody]) > 0 && len(b.fields[tagJSON])+len(b.fields[tagForm]) > 0 {
		faults = append(faults, fmt.Errorf("%v takes the body whole and has other fields of the body", in))
	}
	return b, errors.Join(faults...)
}

func (b binder) add(field reflect.StructField, path string) error {
	for tag, ours := range ginTags {
		if _, has := field.Tag.Lookup(tag); has {
			return fmt.Errorf("has the tag %s of Gin's own binding: say %s", tag, ours)
		}
	}
	switch {
	case field.Anonymous && field.Type.Kind() == reflect.Pointer:
		return errors.New("is an embedded pointer: embed the struct itself")
	case field.Anonymous || !field.IsExported():
		return nil
	}
	var sources []string
	for _, tag := range tags {
		names := sourceNames(field, tag, path)
		if len(names) == 0 {
			continue
		}
		sources = append(sources, tag)
		if b.fields[tag] == nil {
			b.fields[tag] = map[string][]int{}
		}
		for _, name := range names {
			if b.fields[tag][name] != nil {
				return fmt.Errorf("takes the %s %s, as another field does", tag, name)
			}
			b.fields[tag][name] = field.Index
		}
	}
	if len(sources) != 1 && !slices.Equal(sources, []string{tagJSON, tagForm}) {
		return fmt.Errorf("needs one source: a path tag that the path names, query, header, json, formData, json and formData, or body; it has %v", sources)
	}
	return fits(field.Type, sources)
}

// sourceNames are the names under which a field takes values of a source: one,
// or the media types of a body.
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

// pathParameter is one as Gin writes it.
var pathParameter = regexp.MustCompile(`/[:*]([^/]+)`)

func pathNames(path string) (names []string) {
	for _, found := range pathParameter.FindAllStringSubmatch(path, -1) {
		names = append(names, found[1])
	}
	return names
}

// fits says why a field of type t cannot be filled from its sources. What JSON
// cannot fill is found as the type is described.
func fits(t reflect.Type, sources []string) error {
	list := isList(t)
	switch {
	case slices.Equal(sources, []string{tagBody}):
		if t != reflect.TypeFor[[]byte]() {
			return fmt.Errorf("is a %v and takes the body whole: make it a []byte", t)
		}
	case sources[0] == tagJSON && len(sources) == 1, sources[0] == tagForm && isFile(t):
	case sources[0] == tagPath && list:
		return fmt.Errorf("is a %v, and a path has one value of a name", t)
	case list && !fromText(t.Elem()), !list && !fromText(t):
		return fmt.Errorf("is a %v, which no %s can fill: give it an UnmarshalText", t, sources[len(sources)-1])
	}
	return nil
}

// request fills in from the request. The error is a problem of the contract.
func (b binder) request(c *gin.Context, in reflect.Value, check Rules) error {
	if len(b.fields) == 0 {
		return nil
	}
	var faults faults
	tag := tagJSON
	if len(b.bodies) > 0 {
		var err error
		if tag, err = b.body(c.Request, in, &faults); err != nil {
			return err
		}
	}
	if b.fields[tagQuery] != nil {
		query, err := pairs(c.Request.URL.RawQuery)
		if err != nil {
			return problem.Field("query", err.Error())
		}
		b.values(tagQuery, query, in, &faults)
	}
	b.values(tagHeader, c.Request.Header, in, &faults)
	for name, index := range b.fields[tagPath] {
		if text := c.Param(name); notText(text) != "" || setText(in.FieldByIndex(index), text) != nil {
			return problem.NotFound
		}
	}
	if err := c.Request.Context().Err(); err != nil {
		return err
	}
	return faults.validate(in, tag, check)
}
