package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// mount adds routes to the API, after its middleware.
func mount(app *apptest.App, routes ...endpoint.Route) {
	for _, route := range routes {
		limit := func(c *gin.Context) {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, route.BodyLimit(int64(app.Settings.Server.MaxBody)))
		}
		app.Engine.Handle(route.Method, route.Path, slices.Insert(route.Handlers(), 0, limit)...)
	}
}

// countTemporaryFiles gives the test its own folder for temporary files.
func countTemporaryFiles(t *testing.T) (count func() int) {
	t.Helper()
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	return func() int {
		entries, err := os.ReadDir(directory)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
}

const mediaUpload = "multipart/form-data; boundary=limit"

// uploadOf is a form with one file of size bytes.
func uploadOf(field string, size int) string {
	return "--limit\r\nContent-Disposition: form-data; name=\"" + field + "\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" +
		strings.Repeat("x", size) + "\r\n--limit--\r\n"
}

func TestUploadsLeaveNoTemporaryFiles(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	count := countTemporaryFiles(t)
	app := apptest.New(t)
	const size = 5 << 20
	type upload struct {
		Picture *multipart.FileHeader `formData:"picture" binding:"required" accept:"image/png"`
	}
	var during int
	typed := func(fail error) func(context.Context, upload) (int64, error) {
		return func(_ context.Context, in upload) (int64, error) {
			if during = count(); fail != nil && fail.Error() == "panic" {
				panic(fail)
			}
			return in.Picture.Size, fail
		}
	}
	plain := func(c *gin.Context) {
		file, err := c.FormFile("picture")
		if err != nil {
			problem.Write(c, err)
			return
		}
		during = count()
		c.String(http.StatusOK, "%d", file.Size)
	}
	another := func(c *gin.Context) { c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), t, 1)) }
	reads := func(c *gin.Context) { _, _ = c.MultipartForm(); problem.Write(c, problem.Forbidden) }
	mount(app,
		endpoint.Public("POST", "/typed", "", typed(nil)).MaxBody(6<<20).With(another),
		endpoint.Public("POST", "/read", "", typed(nil)).MaxBody(6<<20).With(another, func(c *gin.Context) { _, _ = c.MultipartForm() }),
		endpoint.Public("POST", "/fails", "", typed(errors.New("x"))).MaxBody(6<<20).With(another),
		endpoint.Public("POST", "/panics", "", typed(errors.New("panic"))).MaxBody(6<<20).With(another),
		endpoint.Public("POST", "/small", "", typed(nil)).MaxBody(4<<20),
		endpoint.Public("POST", "/refused", "", typed(nil)).MaxBody(6<<20).With(another, reads),
		endpoint.Gin("POST", "/plain", "", plain).MaxBody(6<<20).With(another),
		endpoint.Gin("POST", "/plain/small", "", plain).MaxBody(4<<20))
	for _, c := range []struct {
		path, field  string
		status, disk int
		says         string
	}{
		{"/typed", "picture", 200, 1, fmt.Sprint(size)},
		{"/read", "picture", 200, 1, fmt.Sprint(size)},
		{"/fails", "picture", 500, 1, "internal"},
		{"/panics", "picture", 500, 1, "internal"},
		{"/typed", "other", 422, 0, "is a required field"},
		{"/small", "picture", 413, 0, "The body is over 4194304 bytes"},
		{"/refused", "picture", 403, 0, "forbidden"},
		{"/plain", "picture", 200, 1, fmt.Sprint(size)},
		{"/plain/small", "picture", 413, 0, "The body is over 4194304 bytes"},
	} {
		during = 0
		answer := app.Serve("POST", c.path, uploadOf(c.field, size), "Content-Type", mediaUpload)
		if answer.Status != c.status || !strings.Contains(answer.Body, c.says) || during != c.disk {
			t.Errorf("%s: %d %s, with %d files on the disk", c.path, answer.Status, answer.Body, during)
		}
		if left := count(); left != 0 {
			t.Errorf("%s: %d files are left", c.path, left)
		}
	}
}

func TestALoginMayBeAMultipartForm(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	app.Register("ada@example.com")
	form := func(name, value string) string {
		return "--limit\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	body := form("username", "ada@example.com") + form("password", apptest.Password) + form("scope", "x") + "--limit--\r\n"
	app.Post("/login", body, "Content-Type", mediaUpload).Want(t, 200, "")
	app.Post("/login", "--x--", "Content-Type", mediaUpload).Want(t, 400, "malformed_body")
	app.Post("/register", body, "Content-Type", mediaUpload).Want(t, 415, "unsupported_media_type")
}

func TestAPatchMayBeAMergePatch(t *testing.T) {
	app, bearer, _ := apptest.SignedIn(t)
	const media = "application/merge-patch+json"
	app.Do("PATCH", "/me", strings.NewReader(`{"name":"Ada"}`), append(bearer, "Content-Type", media)...).Want(t, 200, "")
	app.Post("/register", `{"email":"eve@example.com","password":"correct horse"}`, "Content-Type", media).Want(t, 415, "unsupported_media_type")
}

func TestAPathThatIsNotTextIsNotFound(t *testing.T) {
	app := apptest.New(t)
	type in struct {
		Email string `path:"email"`
	}
	mount(app, endpoint.Public("GET", "/people/:email", "", func(ctx context.Context, in in) (int64, error) {
		var found int64
		err := app.DB.WithContext(ctx).Table("users").Where("email = ?", in.Email).Count(&found).Error
		return found, err
	}))
	app.Get("/people/a").Want(t, 200, "")
	for _, path := range []string{"/people/%00", "/people/a%00b", "/people/%ff", "/people/a%c3"} {
		app.Get(path).Want(t, 404, "not_found")
	}
}

// An answer that fails after its first byte must not look complete. It is logged.
func TestAFailedAnswerEndsTheConnection(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	app := apptest.New(t)
	begun := strings.Repeat("x", 1<<16)
	mount(app,
		endpoint.Public("GET", "/file", "", func(context.Context, endpoint.None) (endpoint.File, error) {
			return endpoint.File{Write: func(w io.Writer) error { _, _ = io.WriteString(w, begun); return errors.New("the disk is gone") }}, nil
		}),
		endpoint.Gin("GET", "/panic", "", func(c *gin.Context) { c.String(http.StatusOK, begun); panic("a mistake") }),
		endpoint.Gin("GET", "/abort", "", func(c *gin.Context) { c.String(http.StatusOK, begun); panic(http.ErrAbortHandler) }))
	server := httptest.NewServer(app.Engine)
	for _, path := range []string{"/file", "/panic", "/abort"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil {
			t.Errorf("%s looks complete, with %d bytes", path, len(body))
		}
	}
	server.Close() // all handlers have ended
	for _, want := range []string{"route=/file status=200", "the disk is gone", "route=/panic status=200", "a mistake", "route=/abort status=200"} {
		if !strings.Contains(app.Log.String(), want) {
			t.Errorf("the log has no %s: %.2000s", want, app.Log)
		}
	}
}
