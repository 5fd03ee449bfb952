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

	"example.com/latchkey/problem"
)

const (
	typeJSON      = "application/json"
	typeMerge     = "application/merge-patch+json" // RFC 7396
	typeForm      = "application/x-www-form-urlencoded"
	typeMultipart = "multipart/form-data"
)

// addBodies lists the media types in which the body may come.
func (b binder) addBodies(in reflect.Type) {
	for media := range b.fields[tagBody] {
		b.bodies[media] = tagBody
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
	for _, index := range b.fields[tagForm] {
		if isFile(in.FieldByIndex(index).Type) {
			delete(b.bodies, typeForm)
		}
	}
}

// body reads the body by its content type and gives the tag that names its fields.
func (b binder) body(r *http.Request, in reflect.Value, faults *faults) (tag string, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	for _, mediaRange := range ranges(media) {
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
		return tag, b.multipart(r, in, faults)
	}
	raw, err := io.ReadAll(r.Body)
	if err := unread(r, err, "The body ended early"); err != nil {
		return "", err
	}
	if tag == tagBody {
		if len(raw) > 0 { // else it is missing, which binding:"required" refuses
			in.FieldByIndex(b.fields[tagBody][media]).SetBytes(raw)
		}
		return tag, nil
	}
	if !utf8.Valid(raw) {
		return "", problem.MalformedBody.Detailed("The body is not UTF-8")
	}
	if tag == tagJSON {
		return tag, b.json(raw, in, faults)
	}
	form, err := pairs(string(raw))
	if err != nil {
		return "", problem.MalformedBody.Detailed("The form %v", err)
	}
	b.values(tagForm, form, in, faults)
	return tag, nil
}

// ranges are the names that media goes by in a list of media types, the closest first.
func ranges(media string) []string {
	kind, _, _ := strings.Cut(media, "/")
	return []string{media, kind + "/*", "*/*"}
}

// unread turns an error of reading the body into the one to answer, with detail.
// A body over its limit is left to problem.Write.
func unread(r *http.Request, err error, detail string) error {
	var tooLarge *http.MaxBytesError
	gone := r.Context().Err()
	switch {
	case gone != nil: // nobody waits for the answer
		return gone
	case err == nil || errors.As(err, &tooLarge):
		return err
	}
	return problem.MalformedBody.Detailed("%s", detail).Because(err)
}
