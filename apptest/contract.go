package apptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"example.com/latchkey/routes"
)

// contract is the API's own document, without a server.base_path.
var contract = sync.OnceValues(func() (routers.Router, error) {
	text, err := routes.App{}.Document()
	if err != nil {
		return nil, err
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(document)
})

// beyond are the refusals that no schema can say.
var beyond = []string{"must have at least ", "must have at most 72 bytes", "must be a valid email address", "must be a UUID", "is not right", "is not the id of ", "is not a cursor of this list", "must not hold the character", "is not UTF-8", "is given more than once", "must be a maximum of 254 characters", "has over 10,000 fields", "must be a file of the type ", "has a file name that "}

// hold fails the test where an answer, or the verdict on a request, is not what
// the document says.
func (a *App) hold(request *http.Request, body string, answer Answer) {
	if _, fuzzing := a.t.(*testing.F); fuzzing {
		return
	}
	a.t.Helper()
	router, err := contract()
	if err != nil {
		a.t.Fatal(err)
	}
	ctx := context.WithoutCancel(request.Context())
	asked := request.Clone(ctx)
	if asked.Method == http.MethodHead {
		asked.Method = http.MethodGet
	}
	asked.URL.Host, asked.URL.Scheme = "", ""
	asked.URL.Path = strings.TrimPrefix(asked.URL.Path, a.Settings.Server.BasePath)
	asked.Body = io.NopCloser(strings.NewReader(body))
	route, path, err := router.FindRoute(asked)
	if err != nil {
		return // of no route, or of one that the test made itself
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: path, Route: route, Options: options}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.Status, Header: answer.Header, Options: options}
	if request.Method == http.MethodHead {
		output.Options = &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: true}
	}
	output.SetBodyBytes([]byte(answer.Body))
	if err := documentedOnce(ctx, output, answer); err != nil && !errors.Is(request.Context().Err(), context.Canceled) {
		a.t.Errorf("%s %s is answered %d %s\nwhich is not documented: %v", request.Method, request.URL.Path, answer.Status, answer.Body, err)
		return
	}
	code := answer.Field("code") + answer.Field("error")
	if answer.Status >= http.StatusBadRequest && code != "" && !documented(route, answer, code) {
		a.t.Errorf("%s %s is answered %d with %s, which is not documented", request.Method, request.URL.Path, answer.Status, code)
	}
	refused := openapi3filter.ValidateRequest(ctx, input)
	if refused != nil && answer.Status < http.StatusMultipleChoices {
		a.t.Errorf("%s %s %s is answered %d, and the document forbids it: %v", request.Method, request.URL, body, answer.Status, refused)
	}
	if refused == nil && answer.Status == http.StatusUnprocessableEntity && !slices.ContainsFunc(beyond, func(words string) bool { return strings.Contains(answer.Body, words) }) {
		a.t.Errorf("%s %s %s is answered %s, and the document allows it", request.Method, request.URL, body, answer.Body)
	}
}

// right are the answers that were held against the document already: to compile
// its schema takes longer than most requests.
var right sync.Map

// documentedOnce holds an answer against the document, unless one that differs
// in nothing but the request's id and the date was right.
func documentedOnce(ctx context.Context, output *openapi3filter.ResponseValidationInput, answer Answer) error {
	route := output.RequestValidationInput.Route
	header := answer.Header.Clone()
	id := header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	header.Del("Date")
	same := fmt.Sprint(output.RequestValidationInput.Request.Method, route.Path, answer.Status, header, strings.Replace(answer.Body, id, "", 1))
	if _, known := right.Load(same); known {
		return nil
	}
	err := openapi3filter.ValidateResponse(ctx, output)
	if err == nil {
		right.Store(same, true)
	}
	return err
}

func documented(route *routers.Route, answer Answer, code string) bool {
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	response := route.Operation.Responses.Status(answer.Status)
	return response.Value.Content.Get(media).Examples[code] != nil
}
