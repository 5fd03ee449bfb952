package endpoint

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/latchkey/kit/problem"
)

const (
	typeJSON      = "application/json"
	typeMerge     = "application/merge-patch+json" // RFC 7396
	typeForm      = "application/x-www-form-urlencoded"
	typeMultipart = "multipart/form-data"
)

// addBodies lists the media types that the body may have.
func (b binder) addBodies() {
	for _, media := range b.fields[tagBody] {
		b.bodies[media.name] = tagBody
	}
	if b.fields[tagJSON] != nil {
		b.bodies[typeJSON] = tagJSON
		if b.patch {
			b.bodies[typeMerge] = tagJSON
		}
	}
	if b.fields[tagForm] != nil {
		b.bodies[typeForm], b.bodies[typeMultipart] = tagForm, tagForm
	}
	for _, field := range b.fields[tagForm] {
		if isFile(field.Type) {
			delete(b.bodies, typeForm)
		}
	}
}

// body reads the body by its content type and returns the tag that names its fields.
func (b binder) body(r *http.Request, in reflect.Value, errs *fieldErrors) (tag string, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	for _, mediaRange := range mediaRanges(media) {
		if tag = b.bodies[mediaRange]; tag != "" {
			media = mediaRange
			break
		}
	}
	charset := strings.ToLower(params["charset"])
	switch {
	case r.Header.Get("Content-Encoding") != "":
		return "", problem.UnsupportedMediaType.Detailed("Send the body without a Content-Encoding")
	case tag == "":
		return "", problem.UnsupportedMediaType.Detailed("Send the body as Content-Type: %s", strings.Join(slices.Sorted(maps.Keys(b.bodies)), " or "))
	case tag != tagBody && !slices.Contains([]string{"", "utf-8", "utf8"}, charset):
		return "", problem.UnsupportedMediaType.Detailed("Send the body as UTF-8")
	case media == typeMultipart && tag == tagForm:
		return tag, b.multipart(r, in, errs)
	}
	raw, err := io.ReadAll(r.Body)
	if err := bodyError(r, err, "The body ended early"); err != nil {
		return "", err
	}
	if tag == tagBody {
		if len(raw) > 0 { // an empty body stays nil, so that binding:"required" refuses it
			whole, _ := b.field(tagBody, media)
			in.FieldByIndex(whole.Index).SetBytes(raw)
		}
		return tag, nil
	}
	if !utf8.Valid(raw) {
		return "", problem.MalformedBody.Detailed("The body is not UTF-8")
	}
	if tag == tagJSON {
		return tag, b.json(raw, in, errs)
	}
	form, err := parseForm(string(raw))
	if err != nil {
		return "", problem.MalformedBody.Detailed("The form %v", err)
	}
	b.setValues(tagForm, form, nil, in, errs)
	return tag, nil
}

// mediaRanges are the entries of a list of media types that match media, the most
// specific first.
func mediaRanges(media string) []string {
	kind, _, _ := strings.Cut(media, "/")
	return []string{media, kind + "/*", "*/*"}
}

// bodyError turns an error from reading the body into a problem with detail. It
// keeps the error of a body over its limit, which problem.Write handles.
func bodyError(r *http.Request, err error, detail string) error {
	var tooLarge *http.MaxBytesError
	switch {
	case r.Context().Err() != nil: // the client has disconnected
		return r.Context().Err()
	case err == nil || errors.As(err, &tooLarge):
		return err
	}
	return problem.MalformedBody.Detailed("%s", detail).Because(err)
}
