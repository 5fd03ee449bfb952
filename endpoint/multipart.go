package endpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/problem"
)

// tagAccept has the media types that a file may have, such as "image/png,image/*".
// It is compared with what the client says the file is, not with its content.
const tagAccept = "accept"

// FormMemory is how many bytes of a form's files are held in memory; files past
// it are temporary ones, which end with their request.
const FormMemory = 1 << 20

// multipart reads a form that may have files (RFC 7578).
func (b binder) multipart(r *http.Request, in reflect.Value, faults *faults) error {
	if err := parseMultipart(r); err != nil {
		return err
	}
	b.values(tagForm, r.MultipartForm.Value, in, faults)
	for _, name := range slices.Sorted(maps.Keys(b.fields[tagForm])) {
		index, given := b.fields[tagForm][name], r.MultipartForm.File[name]
		field, accept := in.FieldByIndex(index), acceptOf(in.Type().FieldByIndex(index))
		list := field.Kind() == reflect.Slice
		switch {
		case len(given) == 0:
		case !isFile(field.Type()):
			faults.add(name, "must not be a file")
		case list:
			for i, file := range given {
				faults.file(fmt.Sprintf("%s[%d]", name, i), file, accept)
			}
			field.Set(reflect.ValueOf(given))
		case len(given) > 1:
			faults.add(name, twice)
		default:
			faults.file(name, given[0], accept)
			field.Set(reflect.ValueOf(given[0]))
		}
	}
	return nil
}

// parseMultipart sets the request's MultipartForm, where Gin and net/http find it too.
func parseMultipart(r *http.Request) error {
	if r.MultipartForm != nil { // the route's own middleware has read it
		return nil
	}
	reader, err := r.MultipartReader()
	if err != nil {
		return problem.MalformedBody.Detailed("The form has no boundary").Because(err)
	}
	form, err := reader.ReadForm(FormMemory)
	if err == nil {
		r.MultipartForm = form
	}
	var disk *fs.PathError
	switch {
	case errors.As(err, &disk):
		return err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return problem.MalformedBody.Detailed("The form has over 1,000 parts, or too much text")
	}
	return unread(r, err, "The form ended early, or is not well formed")
}

// removeFiles ends the temporary files of an upload with its request. net/http
// sees only the request that it made, and middleware replaces that one.
func removeFiles(c *gin.Context) {
	defer func() {
		if form := c.Request.MultipartForm; form != nil {
			_ = form.RemoveAll()
		}
	}()
	c.Next()
}

// file checks what a client says of a file.
func (f *faults) file(name string, file *multipart.FileHeader, accept []string) {
	media, _, _ := mime.ParseMediaType(file.Header.Get("Content-Type"))
	accepted := func(mediaRange string) bool { return slices.Contains(accept, mediaRange) }
	if message := notText(file.Filename); message != "" {
		f.add(name, "has a file name that "+message)
	} else if !slices.ContainsFunc(ranges(media), accepted) {
		f.add(name, "must be a file of the type "+strings.Join(accept, " or "))
	}
}

func acceptOf(field reflect.StructField) []string {
	if accept := field.Tag.Get(tagAccept); accept != "" {
		return strings.Split(accept, ",")
	}
	return []string{"*/*"}
}

// isFile reports whether a field of type t takes a file of a form, or a list of them.
func isFile(t reflect.Type) bool {
	return t == reflect.TypeFor[*multipart.FileHeader]() || t == reflect.TypeFor[[]*multipart.FileHeader]()
}
