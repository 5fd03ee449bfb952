package endpoint_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// source is content that counts how often it was closed.
type source struct {
	io.ReadSeeker
	closed int
}

func (s *source) Close() error { s.closed++; return nil }

// broken is content that ends with an error after left bytes.
type broken struct{ left int }

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the disk is gone")
	}
	n := min(b.left, len(p))
	b.left -= n
	return copy(p, strings.Repeat("x", n)), nil
}

// brokenSeeker has fewer bytes than its length.
type brokenSeeker struct {
	broken
	length  int64
	seekErr error
}

func (b *brokenSeeker) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += b.length
	}
	return offset, b.seekErr
}

func fileRoute(method string, file endpoint.File, err error) endpoint.Route {
	return endpoint.Public(method, "/", "", func(context.Context, endpoint.None) (endpoint.File, error) { return file, err })
}

func TestFilesWithRangesAndConditions(t *testing.T) {
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for claim, c := range map[string]struct {
		header, value string
		status        int
		body          string
		want          map[string]string
	}{
		"whole": {"", "", 200, "0123456789", map[string]string{
			"Content-Type": "text/plain", "Content-Length": "10", "ETag": `"v1"`, "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT",
			"Content-Disposition": `attachment; filename*=utf-8''d%C3%A4ta.txt`, "Accept-Ranges": "bytes",
		}},
		"a part":                      {"Range", "bytes=2-4", 206, "234", map[string]string{"Content-Range": "bytes 2-4/10"}},
		"the end":                     {"Range", "bytes=-2", 206, "89", nil},
		"two parts, as a whole":       {"Range", "bytes=0-1,4-5", 200, "0123456789", nil},
		"a part after the end":        {"Range", "bytes=99-", 416, "range_not_satisfiable", map[string]string{"Content-Range": "bytes */10", "ETag": "", "Content-Disposition": "", "Content-Type": problem.ContentType}},
		"the version the client has":  {"If-None-Match", `"v1"`, 304, "", map[string]string{"ETag": `"v1"`}},
		"unchanged since":             {"If-Modified-Since", modified.Format(http.TimeFormat), 304, "", nil},
		"another version":             {"If-None-Match", `"v2"`, 200, "0123456789", nil},
		"If-Match of another version": {"If-Match", `"v2"`, 412, "precondition_failed", map[string]string{"Content-Type": problem.ContentType}},
		"a part of another version":   {"If-Range", `"v2"`, 200, "0123456789", nil},
	} {
		t.Run(claim, func(t *testing.T) {
			content := &source{ReadSeeker: strings.NewReader("0123456789")}
			file := endpoint.File{ContentType: "text/plain", Name: "däta.txt", ETag: `"v1"`, Modified: modified, Content: content}
			headers := []string{c.header, c.value}
			if c.header == "" {
				headers = nil
			}
			got := serveDocumented(t, fileRoute("GET", file, nil).Produces("text/plain"), "/", "", "", headers...)
			if checkAnswer(t, got, c.status, c.body); c.status < 400 && got.Body.String() != c.body {
				t.Errorf("it is %s", got.Body)
			}
			for name, value := range c.want {
				if got.Header().Get(name) != value {
					t.Errorf("%s is %q, want %q", name, got.Header().Get(name), value)
				}
			}
			if content.closed != 1 {
				t.Errorf("closed %d times", content.closed)
			}
		})
	}
}

func TestFilesOfAnyKind(t *testing.T) {
	rows := func(w io.Writer) error {
		for i := range 3 {
			if _, err := io.WriteString(w, strconv.Itoa(i)+"\n"); err != nil {
				return err
			}
		}
		return nil
	}
	reader := func() io.Reader { return io.LimitReader(strings.NewReader("abcdef"), 3) }
	for claim, c := range map[string]struct {
		method        string
		file          endpoint.File
		status        int
		body          string
		media, length string
	}{
		"rows that are written": {"GET", endpoint.File{ContentType: "text/csv", Write: rows}, 200, "0\n1\n2\n", "text/csv", ""},
		"a reader":              {"GET", endpoint.File{Content: reader()}, 200, "abc", "application/octet-stream", ""},
		"a reader with a size":  {"GET", endpoint.File{Content: reader(), Size: 3}, 200, "abc", "application/octet-stream", "3"},
		"nothing":               {"GET", endpoint.File{}, 200, "", "application/octet-stream", ""},
		"what a POST made":      {"POST", endpoint.File{ContentType: "image/png", Content: strings.NewReader("png")}, 201, "png", "image/png", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			got := serveDocumented(t, fileRoute(c.method, c.file, nil).Status(c.status), "/", "", "")
			if checkAnswer(t, got, c.status, c.body); got.Header().Get("Content-Type") != c.media || got.Header().Get("Content-Length") != c.length {
				t.Errorf("the headers are %v", got.Header())
			}
		})
	}
}

// serve runs a route on its own server.
func serve(t *testing.T, route endpoint.Route) (url string) {
	t.Helper()
	engine := gin.New()
	engine.Handle(route.Method, route.Path, route.Handlers()...)
	engine.HEAD(route.Path, route.Handlers()...)
	server := httptest.NewServer(engine)
	t.Cleanup(server.Close)
	return server.URL
}

// do returns the answer, the part of its body that arrived, and an error if it is
// incomplete.
func do(t *testing.T, method, url string) (status int, header http.Header, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(read), err
}

func TestAFileThatFails(t *testing.T) {
	const many = 1 << 20
	write := func(n int) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.Copy(w, &broken{left: n})
			return err
		}
	}
	for claim, c := range map[string]struct {
		file  endpoint.File
		whole bool // the answer is a problem; else the connection ends early
	}{
		"a reader, at once":           {endpoint.File{Name: "x", ETag: `"x"`, Size: 9, Content: &broken{}}, true},
		"a writer, at once":           {endpoint.File{Name: "x", ETag: `"x"`, Write: write(0)}, true},
		"a seeker, at once":           {endpoint.File{Name: "x", ETag: `"x"`, Content: &brokenSeeker{length: 9}}, true},
		"a seeker that cannot seek":   {endpoint.File{Name: "x", ETag: `"x"`, Content: &brokenSeeker{broken{9}, 9, errors.New("no")}}, true},
		"a reader, later":             {endpoint.File{Content: &broken{many}}, false},
		"a reader with a size, later": {endpoint.File{Size: 2 * many, Content: &broken{many}}, false},
		"a reader of one byte":        {endpoint.File{Content: &broken{1}}, false},
		"a writer, later":             {endpoint.File{Write: write(many)}, false},
		"a seeker, later":             {endpoint.File{Content: &brokenSeeker{broken{many}, 2 * many, nil}}, false},
		"a reader that is too short":  {endpoint.File{Size: 9, Content: io.LimitReader(strings.NewReader("12345"), 5)}, false},
	} {
		t.Run(claim, func(t *testing.T) {
			status, header, body, err := do(t, "GET", serve(t, fileRoute("GET", c.file, nil)))
			if whole := err == nil; whole != c.whole {
				t.Fatalf("%d bytes, %v", len(body), err)
			}
			if !c.whole {
				return
			}
			if status != 500 || header.Get("Content-Type") != problem.ContentType || !strings.Contains(body, `"code":"internal"`) {
				t.Errorf("%d %v %s", status, header, body)
			}
			for _, name := range []string{"ETag", "Content-Disposition", "Accept-Ranges"} {
				if header.Get(name) != "" {
					t.Errorf("the problem has the header %s", name)
				}
			}
		})
	}
	if got := call(fileRoute("GET", endpoint.File{}, problem.NotFound), "/", ""); got.Code != 404 {
		t.Errorf("an error is answered %d", got.Code)
	}
}

func TestHeadReadsNothing(t *testing.T) {
	content := &source{ReadSeeker: strings.NewReader("0123456789")}
	for claim, file := range map[string]endpoint.File{
		"a seeker": {Content: content},
		"a reader": {Size: 10, Content: &broken{}},
		"a writer": {Size: 10, Write: func(io.Writer) error { panic("never called") }},
	} {
		status, header, body, err := do(t, "HEAD", serve(t, fileRoute("GET", file, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if status != 200 || header.Get("Content-Length") != "10" || body != "" {
			t.Errorf("%s: %d %v", claim, status, header)
		}
	}
	if content.closed != 1 {
		t.Errorf("closed %d times", content.closed)
	}
}

func TestAFileIsStreamed(t *testing.T) {
	sent, seen := make(chan struct{}), make(chan struct{})
	url := serve(t, fileRoute("GET", endpoint.File{Write: func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<16))
		close(sent)
		<-seen // the client has the first bytes before the last are written
		_, err := io.WriteString(w, "end")
		return err
	}}, nil))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	<-sent
	if _, err := io.ReadFull(response.Body, make([]byte, 1<<15)); err != nil {
		t.Fatal(err)
	}
	close(seen)
	if rest, err := io.ReadAll(response.Body); err != nil || !strings.HasSuffix(string(rest), "xend") {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

func TestTimesHaveSixDigits(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for given, want := range map[string]string{
		"2026-01-02T03:04:05Z":                "2026-01-02T03:04:05.000000Z",
		"2026-01-02T03:04:05.12Z":             "2026-01-02T03:04:05.120000Z",
		"2026-01-02T03:04:05.123456789+02:00": "2026-01-02T01:04:05.123456Z",
	} {
		route := endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) ([]time.Time, error) { return []time.Time{at(given)}, nil })
		checkAnswer(t, serveDocumented(t, route, "/", "", ""), 200, `["`+want+`"]`)
	}
}
