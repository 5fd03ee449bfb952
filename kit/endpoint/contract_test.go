package endpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// serveDocumented serves one request. It fails the test if the request or its
// answer does not match the OpenAPI document.
func serveDocumented(t *testing.T, route endpoint.Route, target, media, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) { c.Header(problem.RequestIDHeader, "1") })
	engine.Handle(route.Method, route.Path, route.Handlers()...)
	text, err := endpoint.Document(endpoint.Info{Title: "t", Version: "1"}, []endpoint.Route{route})
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), route.Method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return r
	}
	recorder, checked := httptest.NewRecorder(), request()
	engine.ServeHTTP(recorder, request())
	checked.URL.Host, checked.URL.Scheme = "", ""
	found, path, err := router.FindRoute(checked)
	if err != nil {
		t.Fatal(err)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true}
	input := &openapi3filter.RequestValidationInput{Request: checked, PathParams: path, Route: found, Options: options}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: recorder.Code, Header: recorder.Header(), Options: options}
	output.SetBodyBytes(recorder.Body.Bytes())
	if err := openapi3filter.ValidateResponse(t.Context(), output); err != nil {
		t.Errorf("answered %d %.300s\nwhich is not documented: %v", recorder.Code, recorder.Body, err)
	}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil && recorder.Code < 300 {
		t.Errorf("%s is answered %d, and the document forbids it: %v", target, recorder.Code, err)
	}
	return recorder
}

// checkAnswer fails the test unless an answer has the status and contains want.
func checkAnswer(t *testing.T, got *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), want) {
		t.Errorf("%d %.500s, want %d %s", got.Code, got.Body, status, want)
	}
}

// part is a part of a multipart form. With a file name it is a file.
type part struct{ name, file, media, content string }

const (
	boundary  = "limit"
	mediaPart = "multipart/form-data; boundary=" + boundary
)

// multipartForm is the body of a form.
func multipartForm(parts ...part) string {
	var body bytes.Buffer
	for _, p := range parts {
		_, _ = io.WriteString(&body, "--"+boundary+"\r\nContent-Disposition: form-data; name=\""+p.name+"\"")
		if p.file != "" {
			_, _ = io.WriteString(&body, "; filename=\""+p.file+"\"\r\nContent-Type: "+p.media)
		}
		_, _ = io.WriteString(&body, "\r\n\r\n"+p.content+"\r\n")
	}
	return body.String() + "--" + boundary + "--\r\n"
}

// checkNoFilesLeft fails the test if a temporary file is left at its end.
func checkNoFilesLeft(t *testing.T) {
	t.Helper()
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	t.Cleanup(func() {
		if left, err := os.ReadDir(directory); err != nil || len(left) > 0 {
			t.Errorf("%d temporary files are left, %v", len(left), err)
		}
	})
}

func TestTheDocumentDescribesEachInput(t *testing.T) {
	type hook struct {
		Body []byte `body:"image/*,text/plain" binding:"required"`
	}
	type change struct {
		Name string `json:"name"`
	}
	binary := `{"contentMediaType":"application/octet-stream","format":"binary","type":"string"}`
	for claim, c := range map[string]struct {
		route endpoint.Route
		want  []string
	}{
		"a list":                   {takes[lists]("/x"), []string{`{"in":"query","name":"tag","required":false,"schema":{"items":{"type":"string"},"maxItems":3,"type":"array"}}`}},
		"a parameter of no input":  {endpoint.Gin("GET", "/x/:name/*rest", "", func(*gin.Context) {}), []string{`"/x/{name}/{rest}"`, `{"in":"path","name":"name","required":true,"schema":{"type":"string"}}`, `"name":"rest"`}},
		"a whole body":             {takes[hook]("/x"), []string{`"requestBody":{"content":{"image/*":{},"text/plain":{}},"required":true}`}},
		"a change":                 {endpoint.Public("PATCH", "/x", "", func(context.Context, change) (endpoint.None, error) { return endpoint.None{}, nil }), []string{`"application/json":{"example":{"name":"text"},"schema":{"$ref":"#/components/schemas/change"}},"application/merge-patch+json":{"example":{"name":"text"},"schema":{"$ref":"#/components/schemas/change"}}`}},
		"an answer that is a file": {answers[endpoint.File]().Produces("text/csv", "image/png"), []string{`"200":{"content":{"image/png":{},"text/csv":{}}`, `"206":{"content":{"image/png":{},"text/csv":{}}`, `"304":{"description"`}},
		"files": {takes[upload]("/x"), []string{
			`"requestBody":{"content":{"multipart/form-data":{"encoding":{"picture":{"contentType":"image/png, image/jpeg"},"pictures":{"contentType":"image/*"}},"schema":{"$ref":"#/components/schemas/uploadForm"}}},"required":true}`,
			`"picture":` + binary, `"pictures":{"items":` + binary + `,"maxItems":2,"type":"array"}`, `"required":["picture","title"]`,
		}},
	} {
		text, err := endpoint.Document(endpoint.Info{}, []endpoint.Route{c.route})
		if err != nil {
			t.Errorf("%s: %v", claim, err)
		}
		var compact bytes.Buffer
		_ = json.Compact(&compact, text)
		for _, want := range c.want {
			if !strings.Contains(compact.String(), want) {
				t.Errorf("%s: %s\nhas no %s", claim, compact.String(), want)
			}
		}
	}
}
