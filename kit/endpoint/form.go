package endpoint

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"example.com/latchkey/kit/problem"
)

const noNUL = "must not hold the character U+0000"

// maxFields is how many fields a form or a query may have. url.ParseQuery has the
// same limit, but its error does not say the number.
const maxFields = 10_000

// listSeparator separates the items of a list in a header.
var listSeparator = regexp.MustCompile(`[ \t]*,[ \t]*`)

// parseForm parses a form or a query.
func parseForm(text string) (url.Values, error) {
	if strings.Count(text, "&") >= maxFields {
		return nil, errors.New("has over 10,000 fields")
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("is not well formed")
	}
	return values, nil
}

// setValues sets the fields from a form, a query or headers, always in the same
// order. It ignores unknown names, as RFC 6749, section 3.2, requires of a form.
func (b binder) setValues(tag string, texts map[string][]string, files map[string][]*multipart.FileHeader, in reflect.Value, errs *fieldErrors) {
	for _, source := range b.fields[tag] {
		name, field := source.name, in.FieldByIndex(source.Index)
		given, uploads := texts[name], files[name]
		if tag == tagHeader && len(given) > 0 { // its lines are one list (RFC 9110, section 5.3)
			given = []string{strings.Join(given, ", ")}
			if isList(source.Type) {
				given = listSeparator.Split(strings.Trim(given[0], " \t"), -1)
			}
		}
		switch {
		case isFile(source.Type) && strings.Join(given, "") != "": // a browser sends "" if no file is chosen
			errs.add(name, "must be a file")
		case isFile(source.Type):
			errs.set(name, field, len(uploads), func(name string, to reflect.Value, i int) {
				errs.add(name, checkFile(uploads[i], acceptedTypes(source)))
				to.Set(reflect.ValueOf(uploads[i]))
			})
		case len(uploads) > 0:
			errs.add(name, "must not be a file")
		default:
			errs.set(name, field, len(given), func(name string, to reflect.Value, i int) { errs.add(name, setText(to, given[i])) })
		}
		errs.sentParameter(source, len(given))
	}
}

// set sets a field, or each item of a list, from as many values as were given.
func (e *fieldErrors) set(name string, field reflect.Value, given int, set func(name string, to reflect.Value, i int)) {
	switch {
	case given == 0:
	case isList(field.Type()):
		field.Set(reflect.MakeSlice(field.Type(), given, given))
		for i := range given {
			set(fmt.Sprintf("%s[%d]", name, i), field.Index(i), i)
		}
	case given > 1:
		e.add(name, "is given more than once")
	default:
		set(name, field, 0)
	}
}

// setText sets a field from the text of a path, a query, a header or a form. It returns a
// message for a text that the field cannot take.
func setText(field reflect.Value, text string) (message string) {
	if message = checkText(text); message != "" {
		return message
	}
	if err := parseText(field, text); err != nil {
		_, message = mismatch(err, field.Type())
	}
	return message
}

// checkText returns a message if text is not allowed in any field.
func checkText(text string) (message string) {
	switch {
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.Contains(text, "\x00"): // PostgreSQL cannot store it
		return noNUL
	}
	return ""
}

// parseText uses UnmarshalText if the type has it. Numbers and booleans are written as
// in JSON.
func parseText(field reflect.Value, text string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return parseText(field.Elem(), text)
	}
	switch target := field.Addr().Interface().(type) {
	case *time.Time:
		return errors.Join(target.UnmarshalText([]byte(text)), normalizeInput(target))
	case encoding.TextUnmarshaler:
		return target.UnmarshalText([]byte(text))
	}
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), field.Addr().Interface())
}

// fromText reports whether parseText can set a field of type t.
func fromText(t reflect.Type) bool {
	t = pointee(t)
	kind := t.Kind()
	return kind == reflect.String || hasMethod(t, ownText[asInput]) || t != reflect.TypeFor[time.Duration]() && kind >= reflect.Bool && kind <= reflect.Float64 && kind != reflect.Uintptr
}

// isList reports whether a field of type t takes many values of one name.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && !hasMethod(t, ownText[asInput])
}

// acceptTag lists the media types that a file may have, such as "image/png,image/*".
// They are compared with the media type that the client sends, not with the content.
const acceptTag = "accept"

// FormMemory is how many bytes of a form's files are kept in memory. The rest is
// in temporary files, which are removed at the end of the request.
const FormMemory = 1 << 20

// parseMultipart reads a form that may contain files (RFC 7578). It sets the request's
// MultipartForm, which Gin and net/http read too.
func parseMultipart(r *http.Request) error {
	if r.MultipartForm != nil { // the route's own middleware parsed it
		return nil
	}
	reader, err := r.MultipartReader()
	if err != nil {
		return problem.MalformedBody.Detailed("The form has no boundary").Because(err)
	}
	if body, counted := r.Body.(*countedBody); counted {
		body.most = FormMemory
	}
	r.MultipartForm, err = reader.ReadForm(FormMemory)
	var disk *fs.PathError
	switch {
	case errors.As(err, &disk):
		return err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return problem.MalformedBody.Detailed("The form has over 1,000 parts, or too much text")
	}
	return bodyError(r, err, "The form ended early, or is not well formed")
}

// removeFiles removes the temporary files of an upload after its request. net/http
// removes only the files of the request that it made, and middleware replaces
// that request.
func removeFiles(c *gin.Context) {
	defer func() {
		if form := c.Request.MultipartForm; form != nil {
			_ = form.RemoveAll()
		}
	}()
	c.Next()
}

// checkFile returns a message if the name or the media type that a client gives for a
// file is not allowed.
func checkFile(file *multipart.FileHeader, accept []string) (message string) {
	media, _, _ := mime.ParseMediaType(file.Header.Get("Content-Type"))
	isAccepted := slices.ContainsFunc(mediaRanges(media), func(r string) bool { return slices.Contains(accept, r) })
	if message := checkText(file.Filename); message != "" {
		return "has a file name that " + message
	} else if !isAccepted {
		return "must be a file of the type " + strings.Join(accept, " or ")
	}
	return ""
}

func acceptedTypes(field field) []string {
	return strings.Split(cmp.Or(field.Tag.Get(acceptTag), "*/*"), ",")
}

// isFile reports whether a field of type t takes a file of a form, or a list of them.
func isFile(t reflect.Type) bool {
	return t == reflect.TypeFor[*multipart.FileHeader]() || t == reflect.TypeFor[[]*multipart.FileHeader]()
}
