package endpoint

import (
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// File is an answer that is not JSON. It is streamed without a buffer. The route's
// Produces lists its media types. If Content is an io.ReadSeeker and a GET answers
// 200, ranges and conditional requests work too (RFC 9110, sections 13 and 14). If
// Content is an io.Closer, it is closed. An error before the first byte is answered
// like any other error. A later error closes the connection, so that the client
// does not mistake a part for the whole file.
type File struct {
	ContentType string                // "" for application/octet-stream
	Name        string                // the client saves the file under this name; "" to display it
	ETag        string                // a quoted string that changes when the content changes
	Modified    time.Time             // zero if unknown
	Size        int64                 // in bytes; 0 if unknown
	Content     io.Reader             // the content, or
	Write       func(io.Writer) error // a function that writes it
}

func (f File) write(c *gin.Context, status int) {
	if closer, ok := f.Content.(io.Closer); ok {
		defer closer.Close() //nolint:errcheck // it was only read
	}
	header := c.Writer.Header()
	header.Set("Content-Type", cmp.Or(f.ContentType, "application/octet-stream"))
	if f.Name != "" {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	}
	if f.ETag != "" {
		header.Set("ETag", f.ETag)
	}
	err := f.send(c, status)
	switch {
	case err == nil:
	case c.Writer.Written():
		_ = c.Error(err)
		panic(http.ErrAbortHandler)
	default:
		for _, name := range []string{"Accept-Ranges", "Content-Disposition", "Content-Length", "ETag", "Last-Modified"} { // of the file, not of the problem
			header.Del(name)
		}
		problem.Write(c, err)
	}
}

func (f File) send(c *gin.Context, status int) error {
	if content, ok := f.Content.(io.ReadSeeker); ok && status == http.StatusOK && isRead(c.Request.Method) {
		return f.serveContent(c, content)
	}
	if f.Size > 0 {
		c.Header("Content-Length", strconv.FormatInt(f.Size, 10))
	}
	c.Status(status)
	var err error
	switch {
	case c.Request.Method == http.MethodHead:
	case f.Write != nil:
		err = f.Write(c.Writer)
	case f.Content != nil:
		_, err = io.Copy(c.Writer, f.Content)
	}
	return err
}

// serveContent leaves ranges and conditions to http.ServeContent. It ignores a
// Range header with several ranges: thousands of them would make an answer of
// megabytes.
func (f File) serveContent(c *gin.Context, content io.ReadSeeker) error {
	if _, err := content.Seek(0, io.SeekEnd); err != nil {
		return err // http.ServeContent would answer with plain text
	}
	if strings.Contains(c.GetHeader("Range"), ",") {
		c.Request.Header.Del("Range")
	}
	from, to := &contentReader{ReadSeeker: content}, &contentWriter{ResponseWriter: c.Writer}
	http.ServeContent(to, c.Request, "", f.Modified, from)
	return cmp.Or(from.err, to.problem)
}

// contentReader keeps the read error, which http.ServeContent drops.
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

// contentWriter turns the error statuses of http.ServeContent into problems.
type contentWriter struct {
	gin.ResponseWriter
	problem error
}

func (w *contentWriter) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		w.problem = problem.PreconditionFailed
	case http.StatusRequestedRangeNotSatisfiable:
		w.problem = problem.RangeNotSatisfiable
	default:
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *contentWriter) Write(p []byte) (int, error) {
	if w.problem != nil {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Stopping has the two stages of a server's shutdown. Asked is done once the server
// was asked to stop and still accepts requests. Draining is done once it accepts no
// more requests and waits for the running ones.
type Stopping struct{ Asked, Draining context.Context }

type stoppingKey struct{}

// WithStopping returns a context for the requests of a server.
func WithStopping(ctx context.Context, stopping Stopping) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// StoppingFrom returns the stages of a request's server. Without a server they are
// never done.
func StoppingFrom(ctx context.Context) Stopping {
	if stopping, ok := ctx.Value(stoppingKey{}).(Stopping); ok {
		return stopping
	}
	return Stopping{context.Background(), context.Background()}
}

// Stream returns the route with an answer that may not end, such as Server-Sent
// Events. The context of its request ends when the server stops.
func (r Route) Stream() Route {
	r.stream = true
	return r.With(untilDraining)
}

// Streams reports whether the route was made with Stream.
func (r Route) Streams() bool { return r.stream }

func untilDraining(c *gin.Context) {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(StoppingFrom(ctx).Draining, cancel)()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}
