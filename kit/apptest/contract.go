package apptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contractOf returns the document of an API, for paths without its base path.
func contractOf(document func() ([]byte, error)) func() (routers.Router, error) {
	return sync.OnceValues(func() (routers.Router, error) {
		text, err := document()
		if err != nil {
			return nil, err
		}
		read, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, err
		}
		read.Servers = nil // relative to where the document is
		return gorillamux.NewRouter(read)
	})
}

// inSchema are the messages of rules that a schema expresses. Other rules refuse
// what the document allows.
var inSchema = regexp.MustCompile(`"message":"(is a required field|is not a field of this request|must be (true or false|a string|a number|a list|an object|one of \[[^\]]*\]|[0-9.,-]+ or (greater|less)|at least \d+ characters in length))"`)

// checkContract fails the test if an answer does not match the document, or if the
// document and the API disagree whether a request is valid.
func (a *App) checkContract(request *http.Request, body string, answer Answer) {
	if _, fuzzing := a.t.(*testing.F); fuzzing {
		return
	}
	a.t.Helper()
	router, err := a.program.contract()
	if err != nil {
		a.t.Fatal(err)
	}
	ctx := context.WithoutCancel(request.Context())
	copied := request.Clone(ctx)
	if copied.Method == http.MethodHead {
		copied.Method = http.MethodGet
	}
	copied.URL.Host, copied.URL.Scheme = "", ""
	copied.URL.Path = strings.TrimPrefix(copied.URL.Path, a.running.BasePath)
	copied.Body = io.NopCloser(strings.NewReader(body))
	route, path, err := router.FindRoute(copied)
	if err != nil || checkedBefore(request, body, answer, route) {
		return // an unknown route, or a route of the test itself
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	input := &openapi3filter.RequestValidationInput{Request: copied, PathParams: path, Route: route, Options: options}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.Status, Header: answer.Header, Options: options}
	if request.Method == http.MethodHead {
		output.Options = &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: true}
	}
	output.SetBodyBytes([]byte(answer.Body))
	if err := openapi3filter.ValidateResponse(ctx, output); err != nil && !errors.Is(request.Context().Err(), context.Canceled) {
		a.t.Errorf("%s %s is answered %d %s\nwhich is not documented: %v", request.Method, request.URL.Path, answer.Status, answer.Body, err)
		return
	}
	if answer.Body != "" && len(route.Operation.Responses.Status(answer.Status).Value.Content) == 0 {
		a.t.Errorf("%s %s is answered %d with a body, which is not documented", request.Method, request.URL.Path, answer.Status)
	}
	code := answer.Field("code") + answer.Field("error")
	if answer.Status >= http.StatusBadRequest && code != "" && !documented(route, answer, code) {
		a.t.Errorf("%s %s is answered %d with %s, which is not documented", request.Method, request.URL.Path, answer.Status, code)
	}
	invalid := openapi3filter.ValidateRequest(ctx, input)
	if invalid != nil && answer.Status < http.StatusMultipleChoices {
		a.t.Errorf("%s %s %s is answered %d, but the document forbids it: %v", request.Method, request.URL, body, answer.Status, invalid)
	}
	if invalid == nil && answer.Status == http.StatusUnprocessableEntity && inSchema.MatchString(answer.Body) {
		a.t.Errorf("%s %s %s is answered %s, but the document allows it", request.Method, request.URL, body, answer.Body)
	}
}

// checked are the requests and answers that were compared with the document before.
// Compiling a schema takes longer than most requests.
var checked sync.Map

// checkedBefore reports whether the same answer to the same request was checked before.
func checkedBefore(request *http.Request, body string, answer Answer, route *routers.Route) bool {
	header := answer.Header.Clone()
	header.Del("X-Request-Id") // it differs each time, like the date
	header.Del("Date")
	text := strings.Replace(answer.Body, answer.Header.Get("X-Request-Id"), "", 1)
	_, before := checked.LoadOrStore(fmt.Sprint(request.Method, route.Path, request.URL.RawQuery, request.Header["Content-Type"], body, answer.Status, header, text), true)
	return before
}

func documented(route *routers.Route, answer Answer, code string) bool {
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	response := route.Operation.Responses.Status(answer.Status)
	return response.Value.Content.Get(media).Examples[code] != nil
}
