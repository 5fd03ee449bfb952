package endpoint

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

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
)

var tags = [...]string{tagPath, tagQuery, tagHeader, tagJSON, tagForm}

const (
	notAField = "is not a field of this request"
	noNUL     = "must not hold the character U+0000"
)

// maxPairs is how many names a form or a query may have. url.ParseQuery has the
// same limit, but its error does not say which.
const maxPairs = 10_000

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// binder fills one input type: the body first, then the query and the headers,
// the path last, and validates the whole once.
type binder struct {
	fields map[string]map[string][]int // tag → name → index in the struct
	patch  bool
}

// newBinder fails where a field has no source or two, or one that the route's
// path does not name.
func newBinder(in reflect.Type, method, path string) (binder, error) {
	b := binder{fields: map[string]map[string][]int{}, patch: method == http.MethodPatch}
	for _, field := range reflect.VisibleFields(in) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		var sources []string
		for _, tag := range tags {
			name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
			if name == "" || name == "-" || tag == tagPath && !strings.Contains(path+"/", "/:"+name+"/") {
				continue
			}
			if tag == tagHeader {
				name = http.CanonicalHeaderKey(name)
			}
			sources = append(sources, tag)
			if b.fields[tag] == nil {
				b.fields[tag] = map[string][]int{}
			}
			b.fields[tag][name] = field.Index
		}
		if len(sources) != 1 && !slices.Equal(sources, []string{tagJSON, tagForm}) {
			return b, fmt.Errorf("%v.%s needs one source: a path tag that the path names, query, header, json, formData, or the last two; it has %v", in, field.Name, sources)
		}
	}
	return b, nil
}

// request fills in from the request. The error is a problem of the contract.
func (b binder) request(c *gin.Context, in reflect.Value) error {
	if len(b.fields) == 0 {
		return nil
	}
	var faults faults
	tag := tagJSON
	if b.fields[tagJSON] != nil || b.fields[tagForm] != nil {
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
		if setText(in.FieldByIndex(index), c.Param(name)) != nil {
			return problem.NotFound
		}
	}
	if err := c.Request.Context().Err(); err != nil {
		return err
	}
	return faults.validate(in, tag)
}

// body reads the body by its content type and gives the tag that names its fields.
func (b binder) body(r *http.Request, in reflect.Value, faults *faults) (tag string, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	switch {
	case r.Header.Get("Content-Encoding") != "":
		return "", problem.UnsupportedMediaType.Detailed("Send the body without a Content-Encoding")
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return "", problem.UnsupportedMediaType.Detailed("Send the body as UTF-8")
	case media == typeJSON && b.fields[tagJSON] != nil:
		tag = tagJSON
	case media == typeForm && b.fields[tagForm] != nil:
		tag = tagForm
	default:
		return "", problem.UnsupportedMediaType.Detailed("Send the body as Content-Type: %s", b.accepts())
	}
	raw, err := io.ReadAll(r.Body)
	if gone := r.Context().Err(); gone != nil { // nobody waits for the answer
		return "", gone
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", problem.BodyTooLarge.Detailed("The body is over %d bytes", tooLarge.Limit)
	case err != nil:
		return "", problem.MalformedBody.Detailed("The body ended early").Because(err)
	case !utf8.Valid(raw):
		return "", problem.MalformedBody.Detailed("The body is not UTF-8")
	case tag == tagJSON:
		return tag, b.json(raw, in, faults)
	}
	form, err := pairs(string(raw))
	if err != nil {
		return "", problem.MalformedBody.Detailed("The form %v", err)
	}
	b.values(tagForm, form, in, faults)
	return tag, nil
}

func (b binder) accepts() string {
	switch {
	case b.fields[tagForm] == nil:
		return typeJSON
	case b.fields[tagJSON] == nil:
		return typeForm
	}
	return typeJSON + " or " + typeForm
}

// pairs parses a form or a query.
func pairs(text string) (url.Values, error) {
	if strings.Count(text, "&") >= maxPairs {
		return nil, fmt.Errorf("has over %s fields", humanize.Comma(maxPairs))
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("is not well formed")
	}
	return values, nil
}

// values reads a form, a query or headers, always in one order. A name it does
// not know is ignored, as RFC 6749, section 3.2, asks of a form.
func (b binder) values(tag string, values map[string][]string, in reflect.Value, faults *faults) {
	for _, name := range slices.Sorted(maps.Keys(b.fields[tag])) {
		given := values[name]
		switch {
		case len(given) == 0:
		case len(given) > 1:
			faults.add(name, "is given more than once")
		case !utf8.ValidString(given[0]):
			faults.add(name, "is not UTF-8")
		case strings.Contains(given[0], "\x00"):
			faults.add(name, noNUL)
		default:
			field := in.FieldByIndex(b.fields[tag][name])
			if err := setText(field, given[0]); err != nil {
				_, message := mismatch(err, field.Type())
				faults.add(name, message)
			}
		}
	}
}

// setText sets a field from a path, a query or a form: words by
// UnmarshalText or as they are, numbers and booleans as JSON writes them.
func setText(field reflect.Value, text string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setText(field.Elem(), text)
	}
	if words, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		err := words.UnmarshalText([]byte(text))
		if t, ok := words.(*time.Time); ok {
			*t = inUTC(*t)
		}
		return err
	}
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), field.Addr().Interface())
}
