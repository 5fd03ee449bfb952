package endpoint

import (
	"errors"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// acceptTag lists the media types that a file may have, such as "image/png,image/*".
// They are compared with the media type that the client sends, not with the content.
const acceptTag = "accept"

// FormMemory is how many bytes of a form's files are kept in memory. The rest is
// in temporary files, which are removed at the end of the request.
const FormMemory = 1 << 20

// multipart reads a form that may contain files (RFC 7578).
func (b binder) multipart(r *http.Request, in reflect.Value, errs *fieldErrors) error {
	if err := parseMultipart(r); err != nil {
		return err
	}
	b.setValues(tagForm, r.MultipartForm.Value, r.MultipartForm.File, in, errs)
	return nil
}

// parseMultipart sets the request's MultipartForm, which Gin and net/http read too.
func parseMultipart(r *http.Request) error {
	if r.MultipartForm != nil { // the route's own middleware parsed it
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

// checkFile checks the name and the media type that a client gives for a file.
func (e *fieldErrors) checkFile(name string, file *multipart.FileHeader, accept []string) {
	media, _, _ := mime.ParseMediaType(file.Header.Get("Content-Type"))
	accepted := func(mediaRange string) bool { return slices.Contains(accept, mediaRange) }
	if message := checkText(file.Filename); message != "" {
		e.add(name, "has a file name that "+message)
	} else if !slices.ContainsFunc(mediaRanges(media), accepted) {
		e.add(name, "must be a file of the type "+strings.Join(accept, " or "))
	}
}

func acceptedTypes(field field) []string {
	if accept := field.Tag.Get(acceptTag); accept != "" {
		return strings.Split(accept, ",")
	}
	return []string{"*/*"}
}

// isFile reports whether a field of type t takes a file of a form, or a list of them.
func isFile(t reflect.Type) bool {
	return t == reflect.TypeFor[*multipart.FileHeader]() || t == reflect.TypeFor[[]*multipart.FileHeader]()
}
