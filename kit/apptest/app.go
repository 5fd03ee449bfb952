// Package apptest runs an API for a test: its real engine, over HTTP, with its own
// database. It compares every answer with the API's OpenAPI document.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"
)

// App is a running API.
type App struct {
	t      testing.TB
	URL    string
	Engine *gin.Engine
	DB     *gorm.DB
	Log    *Log

	program *Program
	running Running
}

// Log is the API's log. It can be read while the API runs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Answer is a response with its whole body.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request. headers are pairs of names and values. The default
// Content-Type of a body is JSON.
func (a *App) Do(method, path string, body io.Reader, headers ...string) Answer {
	a.t.Helper()
	var sent string
	if text, ok := body.(*strings.Reader); ok {
		all, _ := io.ReadAll(text)
		sent = string(all)
		body = strings.NewReader(sent)
	}
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.URL+a.withBasePath(path), body)
	if err != nil {
		a.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	setHeaders(request, headers)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	answer := Answer{response.StatusCode, response.Header, string(read)}
	a.checkContract(request, sent, answer)
	return answer
}

// Serve passes a request to the engine without the network, for headers that
// http.Client does not send.
func (a *App) Serve(method, path, body string, headers ...string) Answer {
	request := httptest.NewRequestWithContext(context.Background(), method, a.withBasePath(path), strings.NewReader(body))
	setHeaders(request, headers)
	recorder := httptest.NewRecorder()
	a.Engine.ServeHTTP(recorder, request)
	answer := Answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	a.checkContract(request, body, answer)
	return answer
}

// withBasePath adds the base path to a path, except to the health checks and to paths that
// have it already.
func (a *App) withBasePath(path string) string {
	base := a.running.BasePath
	if path == "/healthz" || path == "/readyz" || base != "" && strings.HasPrefix(path, base+"/") {
		return path
	}
	return base + path
}

func setHeaders(request *http.Request, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		request.Header[http.CanonicalHeaderKey(pairs[i])] = []string{pairs[i+1]}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host // where net/http looks for it
	}
}

// Get sends a GET request.
func (a *App) Get(path string, headers ...string) Answer {
	a.t.Helper()
	return a.Do(http.MethodGet, path, nil, headers...)
}

// Post sends a POST request.
func (a *App) Post(path, body string, headers ...string) Answer {
	a.t.Helper()
	return a.Do(http.MethodPost, path, strings.NewReader(body), headers...)
}

// Bearer returns the name and the value of the Authorization header for a token.
func Bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// Want fails the test if the answer has another status. If code is not empty, it
// also fails the test if the answer is not a complete problem with that code.
func (r Answer) Want(t testing.TB, status int, code string) Answer {
	t.Helper()
	switch {
	case r.Status != status:
		t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	case code == "":
	case r.Header.Get("Content-Type") != "application/problem+json":
		t.Fatalf("Content-Type %q, want a problem", r.Header.Get("Content-Type"))
	case r.Field("code") != code:
		t.Fatalf("code %s, want %s: %s", r.Field("code"), code, r.Body)
	case r.Field("request_id") == "" || r.Field("request_id") != r.Header.Get("X-Request-Id"):
		t.Fatalf("request_id %q, X-Request-ID %q", r.Field("request_id"), r.Header.Get("X-Request-Id"))
	}
	return r
}

// Field returns a string member of the answer's JSON object, or "".
func (r Answer) Field(name string) string {
	var members map[string]any
	_ = json.Unmarshal([]byte(r.Body), &members)
	text, _ := members[name].(string)
	return text
}
