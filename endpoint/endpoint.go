// Package endpoint turns a typed Go function into a Gin route and its OpenAPI
// operation. It knows nothing of the application: no user, no role.
package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/problem"
)

// Access is who may call a route. The application makes one for each kind of
// caller; the zero value is everybody.
type Access struct {
	Name     string                      // as lists of the routes show it
	Allow    func(context.Context) error // refuses a caller before anything of the request is read; nil for everybody
	Problems []*problem.Problem          // what a caller may be refused with
}

func (a Access) String() string { return cmp.Or(a.Name, "public") }

// Public reports whether anybody may call.
func (a Access) Public() bool { return a.Allow == nil }

// Route is one line of the API's table.
type Route struct {
	Method, Path, Summary string
	Access                Access

	operation string   // its name in the document, where the function's does not do
	media     []string // of an answer that is not JSON
	maxBody   int64    // in bytes; 0 for the default
	stream    bool
	located   bool
	status    int
	plain     gin.HandlerFunc
	call      func(*gin.Context, binder, Rules) (any, error)
	mapErrors func(error) error
	check     Rules
	with      []gin.HandlerFunc
	problems  []*problem.Problem
	bind      binder
	fault     error // why it cannot be served
	in, out   reflect.Type
	handler   string // the function's name
}

// None is the type of an input or an answer that is empty.
type None = struct{}

// Public is a route that anybody may call.
func Public[In, Out any](method, path, summary string, handle func(context.Context, In) (Out, error)) Route {
	route := Route{
		Method: method, Path: path, Summary: summary, status: http.StatusOK,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), handler: handlerName(handle),
	}
	if route.out == reflect.TypeFor[None]() {
		route.status = http.StatusNoContent
	}
	route.call = func(c *gin.Context, bind binder, check Rules) (any, error) {
		var in In
		if err := bind.request(c, reflect.ValueOf(&in).Elem(), check); err != nil {
			return nil, err
		}
		return handle(context.WithValue(c.Request.Context(), ginKey{}, c), in)
	}
	return route.at(path)
}

// Protected is a route for those whom access allows. Its function is given the
// caller, which from finds in the request's context.
func Protected[Caller, In, Out any](access Access, from func(context.Context) Caller, method, path, summary string, handle func(context.Context, Caller, In) (Out, error)) Route {
	route := Public(method, path, summary, func(ctx context.Context, in In) (Out, error) {
		return handle(ctx, from(ctx), in)
	})
	route.handler = handlerName(handle)
	return route.For(access)
}

// Gin is a route that anybody may call, by a handler in Gin's own terms.
func Gin(method, path, summary string, handle gin.HandlerFunc) Route {
	return Route{Method: method, Path: path, Summary: summary, plain: handle, handler: handlerName(handle)}
}

// For returns the route for those whom access allows.
func (r Route) For(access Access) Route {
	r.Access = access
	return r
}

// Status returns the route with another status for its success than 200, or
// 204 where there is nothing to say.
func (r Route) Status(status int) Route {
	r.status = status
	return r
}

// Errors returns the route with problems that its document is to name, besides
// those that its access and its input bring with them.
func (r Route) Errors(problems ...*problem.Problem) Route {
	r.problems = problems
	return r
}

// MapErrors returns the route with its errors, those of its input too, turned
// into others, for a route whose errors a standard words.
func (r Route) MapErrors(to func(error) error) Route {
	r.mapErrors = to
	return r
}

// Check returns the route with rules of its input that no tag can say.
func (r Route) Check(rules Rules) Route {
	r.check = rules
	if rules.of != r.in {
		r.fault = errors.Join(r.fault, fmt.Errorf("takes a %v, and its rules are about a %v", r.in, rules.of))
	}
	return r
}

// MaxBody returns the route with a limit of its own for the request's body, in
// bytes; it may be over server.max_body. A longer body is 413.
func (r Route) MaxBody(limit int64) Route {
	r.maxBody = limit
	return r
}

// publicBody is enough for a login or a token, and all that a stranger can make
// the server hold.
const publicBody = 64 << 10

// BodyLimit is the most bytes that a body may have: the route's own MaxBody, or
// else most, of which a public route takes 64 KiB at the most.
func (r Route) BodyLimit(most int64) int64 {
	switch {
	case r.maxBody > 0:
		return r.maxBody
	case r.Access.Public():
		return min(most, publicBody)
	}
	return most
}

// Produces returns the route with the media types of an answer that is not JSON,
// for its document: those of a File, or of what a Gin handler writes.
func (r Route) Produces(media ...string) Route {
	r.media = media
	return r
}

// With returns the route with middleware of its own, which runs once the caller
// is allowed.
func (r Route) With(middleware ...gin.HandlerFunc) Route {
	r.with = append(slices.Clip(r.with), middleware...)
	return r
}

// Operation returns the route with another name in the document than its
// function's, for a function that handles two routes.
func (r Route) Operation(name string) Route {
	r.operation = name
	return r
}

// Group gives routes a prefix of their paths, such as /v1 or /projects/:project,
// and middleware of all of them.
func Group(prefix string, routes []Route, middleware ...gin.HandlerFunc) []Route {
	grouped := slices.Clone(routes)
	for i, route := range routes {
		grouped[i] = route.at(prefix + route.Path)
		grouped[i].with = append(slices.Clone(middleware), route.with...)
	}
	return grouped
}

// at is the route at a path, which says what its input can be bound from.
func (r Route) at(path string) Route {
	if r.Path = path; r.in != nil {
		r.bind, r.fault = newBinder(r.in, r.Method, path)
	}
	return r
}

// Handlers are the route's Gin handlers: access, its own middleware, and its
// function. They end with the files of a form removed. Whoever mounts them puts
// what authenticates before them.
func (r Route) Handlers() []gin.HandlerFunc {
	chain := []gin.HandlerFunc{removeFiles}
	if !r.Access.Public() {
		chain = append(chain, r.allow)
	}
	return append(append(chain, r.with...), r.handle)
}

func (r Route) allow(c *gin.Context) {
	if err := r.Access.Allow(c.Request.Context()); err != nil {
		problem.Write(c, err)
	}
}

func (r Route) handle(c *gin.Context) {
	if r.plain != nil {
		r.plain(c)
		return
	}
	out, err := r.call(c, r.bind, r.check)
	if err != nil && r.mapErrors != nil {
		err = r.mapErrors(err)
	}
	switch {
	case err != nil:
		problem.Write(c, err)
	case c.Writer.Written(): // by the function itself, through Gin
	case r.status == http.StatusNoContent:
		c.Status(r.status)
	default:
		if r.located {
			c.Header("Location", c.Request.URL.Path+"/"+any(out).(Keyed).Key().String())
		}
		answer(c, r.status, out)
	}
}

// answer encodes JSON before it writes, so that what cannot be encoded is a clean 500.
func answer(c *gin.Context, status int, out any) {
	if file, ok := out.(File); ok {
		file.answer(c, status)
		return
	}
	body, err := json.Marshal(out, writeTimes, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		problem.Write(c, err)
		return
	}
	if versioned, ok := out.(Versioned); ok {
		tag := versioned.ETag()
		c.Header("ETag", tag)
		if seen := c.GetHeader("If-None-Match"); seen != "" && isRead(c.Request.Method) && MatchesTag(seen, tag) {
			c.Status(http.StatusNotModified)
			return
		}
	}
	c.Data(status, "application/json; charset=utf-8", body)
}

type ginKey struct{}

// Context gives the Gin context of a request to the function that handles it,
// for what types cannot say: a header, a stream. It must not outlive the
// request, so never hand it to a goroutine or to the database.
func Context(ctx context.Context) *gin.Context {
	return ctx.Value(ginKey{}).(*gin.Context)
}
