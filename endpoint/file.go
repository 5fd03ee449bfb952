package endpoint

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/problem"
)

// File is an answer that is not JSON, streamed without a buffer; the route's
// Produces lists its media types. Content that is an io.ReadSeeker is also served
// in parts and by If-None-Match (RFC 9110, sections 13 and 14) where a GET answers
// 200, and one that is an io.Closer is closed. An error before the first byte is
// answered as any other; a later one ends the connection, so that no client takes
// what it has for the whole.
type File struct {
	ContentType string                // "" for application/octet-stream
	Name        string                // under which a client saves it; "" where it shows it
	ETag        string                // a quoted word that changes whenever the content does
	Modified    time.Time             // zero for unknown
	Size        int64                 // in bytes; 0 for unknown
	Content     io.Reader             // what it holds, or
	Write       func(io.Writer) error // what writes that
}

// aboutContent are headers that a problem does not have.
var aboutContent = []string{"Accept-Ranges", "Content-Disposition", "Content-Length", "ETag", "Last-Modified"}

func (f File) answer(c *gin.Context, status int) {
	if closer, ok := f.Content.(io.Closer); ok {
		defer closer.Close() //nolint:errcheck // it was only read
	}
	f.setHeaders(c.Writer.Header())
	err := f.send(c, status)
	switch {
	case err == nil:
	case c.Writer.Written():
		_ = c.Error(err)
		panic(http.ErrAbortHandler)
	default:
		for _, name := range aboutContent {
			c.Writer.Header().Del(name)
		}
		problem.Write(c, err)
	}
}

func (f File) setHeaders(header http.Header) {
	header.Set("Content-Type", cmp.Or(f.ContentType, "application/octet-stream"))
	if f.Name != "" {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	}
	if f.ETag != "" {
		header.Set("ETag", f.ETag)
	}
}

func (f File) send(c *gin.Context, status int) error {
	head := c.Request.Method == http.MethodHead
	if content, ok := f.Content.(io.ReadSeeker); ok && status == http.StatusOK && (head || c.Request.Method == http.MethodGet) {
		return f.serve(c, content)
	}
	if f.Size > 0 {
		c.Header("Content-Length", strconv.FormatInt(f.Size, 10))
	}
	c.Status(status)
	var err error
	switch {
	case head:
	case f.Write != nil:
		err = f.Write(c.Writer)
	case f.Content != nil:
		_, err = io.Copy(c.Writer, f.Content)
	}
	return err
}

// serve leaves parts and conditions to http.ServeContent. Two parts would be
// multipart/byteranges, and thousands megabytes; such a range is ignored.
func (f File) serve(c *gin.Context, content io.ReadSeeker) error {
	if _, err := content.Seek(0, io.SeekEnd); err != nil {
		return err // http.ServeContent would answer it as text
	}
	if strings.Contains(c.GetHeader("Range"), ",") {
		c.Request.Header.Del("Range")
	}
	from, to := &contentReader{ReadSeeker: content}, &contentWriter{ResponseWriter: c.Writer}
	http.ServeContent(to, c.Request, "", f.Modified, from)
	return cmp.Or(from.err, to.refused)
}

// contentReader keeps the error of reading, which http.ServeContent drops.
type contentReader struct {
	io.ReadSeeker
	err error
}

func (r *contentReader) Read(p []byte) (int, error) {
	n, err := r.ReadSeeker.Read(p)
	if !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// contentWriter keeps what http.ServeContent refuses, which is answered as a problem.
type contentWriter struct {
	gin.ResponseWriter
	refused error
}

func (w *contentWriter) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		w.refused = problem.PreconditionFailed
	case http.StatusRequestedRangeNotSatisfiable:
		w.refused = problem.RangeNotSatisfiable
	default:
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *contentWriter) Write(p []byte) (int, error) {
	if w.refused != nil {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
