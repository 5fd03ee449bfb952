// Package endpoint turns a typed Go function into a Gin route and its OpenAPI
// operation. It knows nothing of the application: no user, no role.
package endpoint

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/problem"
)

// Access says who may call a route. The application makes one for each kind of
// caller. The zero value allows everybody.
type Access struct {
	Name     string                      // shown in lists of the routes
	Allow    func(context.Context) error // refuses a caller before the request is read; nil to allow everybody
	Problems []*problem.Problem          // the possible errors of Allow
	Login    bool                        // the security schemes of Info.NotLogins are not enough
}

func (a Access) String() string { return cmp.Or(a.Name, "public") }

// Public reports whether anybody may call.
func (a Access) Public() bool { return a.Allow == nil }

// Route is one line of the API's table of routes.
type Route struct {
	Method, Path, Summary string
	Access                Access

	operation  string // its operationId; "" to use the function's name
	tagText    string
	media      []string // media types of an answer that is not JSON
	maxBody    int64    // in bytes; 0 for the default
	stream     bool
	located    bool
	status     int
	also       []int // statuses that its function answers itself
	call       func(*gin.Context, binder, Rules) (any, error)
	mapErrors  func(error) error
	own        Rules
	enums      map[string][]string // by parameter
	middleware []gin.HandlerFunc
	problems   []*problem.Problem
	bind       binder // made when the handlers or the document are
	in, out    reflect.Type
	function   string // the function's name

	answers, bodies *memory // nil without a limit
}

// None is the type of an empty input or answer.
type None = struct{}

// Public makes a route that everybody may call.
func Public[In, Out any](method, path, summary string, handle func(context.Context, In) (Out, error)) Route {
	route := Route{
		Method: method, Path: path, Summary: summary, status: http.StatusOK,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), function: functionName(handle),
	}
	if route.out == reflect.TypeFor[None]() {
		route.status = http.StatusNoContent
	}
	route.call = func(c *gin.Context, bind binder, own Rules) (any, error) {
		var in In
		if err := bind.fill(c, reflect.ValueOf(&in).Elem(), own); err != nil {
			return nil, err
		}
		return handle(context.WithValue(c.Request.Context(), ginKey{}, c), in)
	}
	return route
}

// Protected makes a route for the callers that access allows. Its function gets
// the caller, which callerFrom reads from the request's context. Its error is answered.
func Protected[Caller, In, Out any](access Access, callerFrom func(context.Context) (Caller, error), method, path, summary string, handle func(context.Context, Caller, In) (Out, error)) Route {
	route := Public(method, path, summary, func(ctx context.Context, in In) (out Out, err error) {
		caller, err := callerFrom(ctx)
		if err != nil {
			return out, err
		}
		return handle(ctx, caller, in)
	})
	route.function = functionName(handle)
	return route.For(access)
}

// Gin makes a route that everybody may call from an ordinary Gin handler.
func Gin(method, path, summary string, handle gin.HandlerFunc) Route {
	call := func(c *gin.Context, _ binder, _ Rules) (any, error) {
		handle(c)
		return nil, nil
	}
	return Route{Method: method, Path: path, Summary: summary, call: call, function: functionName(handle)}
}

// For returns the route for the callers that access allows.
func (r Route) For(access Access) Route {
	r.Access = access
	return r
}

// Status returns the route with its own success status. The default is 200, or 204
// for an answer of type None.
func (r Route) Status(status int) Route {
	r.status = status
	return r
}

// Also returns the route with another success status for its document, which has no body.
// Its function answers with it through Context.
func (r Route) Also(status int) Route {
	r.also = append(slices.Clip(r.also), status)
	return r
}

// Errors returns the route with more problems to list in its document. The problems of
// its access and of its input are listed without it.
func (r Route) Errors(problems ...*problem.Problem) Route {
	r.problems = append(slices.Clip(r.problems), problems...)
	return r
}

// MapErrors returns the route with a function that converts its errors, including
// those of its input. It is for routes with error bodies that a standard defines.
func (r Route) MapErrors(convert func(error) error) Route {
	r.mapErrors = convert
	return r
}

// Enum returns the route with the only values of a parameter, for its document. Check
// refuses others.
func (r Route) Enum(parameter string, values ...string) Route {
	enums := map[string][]string{}
	maps.Copy(enums, r.enums)
	enums[parameter], r.enums = values, enums
	return r
}

// Check returns the route with rules of its input that no binding tag can express.
func (r Route) Check(own Rules) Route {
	r.own = own
	return r
}

// MaxBody returns the route with its own limit for the request's body, in bytes.
// The limit may be over server.max_body. A longer body is answered 413.
func (r Route) MaxBody(limit int64) Route {
	r.maxBody = limit
	return r
}

// publicBody is enough for a login or a token. It limits how much memory an
// unknown caller can use.
const publicBody = 64 << 10

// Answer is the type of the answer, nil for a Gin handler.
func (r Route) Answer() reflect.Type { return r.out }

// BodyLimit is the maximum length of a body in bytes: the route's own MaxBody, or
// else the server's limit, but at most 64 KiB for a public route.
func (r Route) BodyLimit(serverLimit int64) int64 {
	switch {
	case r.maxBody > 0:
		return r.maxBody
	case r.Access.Public():
		return min(serverLimit, publicBody)
	}
	return serverLimit
}

// Produces returns the route with the media types of an answer that is not JSON,
// for its document. The answer is a File, or is written by a Gin handler.
func (r Route) Produces(media ...string) Route {
	r.media = media
	return r
}

// With returns the route with its own middleware, which runs after access is
// checked.
func (r Route) With(middleware ...gin.HandlerFunc) Route {
	r.middleware = append(slices.Clip(r.middleware), middleware...)
	return r
}

// Operation returns the route with its own operationId. Two routes with the same
// function need it.
func (r Route) Operation(id string) Route {
	r.operation = id
	return r
}

// TagText returns the route with a description of its tag, which is the group of the routes
// of one handler. One route of the group is enough.
func (r Route) TagText(text string) Route {
	r.tagText = text
	return r
}

// Group returns the routes with a prefix for their paths, such as /v1 or
// /projects/:project, and with shared middleware.
func Group(prefix string, routes []Route, middleware ...gin.HandlerFunc) []Route {
	grouped := slices.Clone(routes)
	for i, route := range routes {
		grouped[i].Path = prefix + route.Path
		grouped[i].middleware = append(slices.Clone(middleware), route.middleware...)
	}
	return grouped
}

// Handlers returns the route's Gin handlers: the access check, its middleware and
// its function. They also remove the files of a form. Authentication middleware
// must run before them.
func (r Route) Handlers() []gin.HandlerFunc {
	r.bind, _ = newBinder(r)
	var chain []gin.HandlerFunc
	if r.Method != http.MethodGet { // which has no form
		chain = append(chain, removeFiles)
	}
	if !r.Access.Public() {
		chain = append(chain, func(c *gin.Context) {
			if err := r.Access.Allow(c.Request.Context()); err != nil {
				problem.Write(c, err)
			}
		})
	}
	return append(append(chain, r.middleware...), r.handle)
}

func (r Route) handle(c *gin.Context) {
	for _, name := range []string{"If-Match", "If-None-Match"} { // lists (RFC 9110, section 5.3), of which all read the first line
		if lines := c.Request.Header.Values(name); len(lines) > 1 {
			c.Request.Header.Set(name, strings.Join(lines, ", "))
		}
	}
	defer r.countBody(c.Request)()
	out, err := r.call(c, r.bind, r.own)
	if err != nil && r.mapErrors != nil {
		err = r.mapErrors(err)
	}
	switch {
	case err != nil:
		problem.Write(c, err)
	case r.out == nil || c.Writer.Written(): // a Gin handler, or a function that used Context to answer
	case r.status == http.StatusNoContent:
		c.Status(r.status)
	default:
		if r.located {
			c.Header("Location", c.Request.URL.EscapedPath()+"/"+out.(Keyed).Key().String())
		}
		r.writeAnswer(c, out)
	}
}

type ginKey struct{}

// Context returns the Gin context of a request to the function that handles it,
// for example to set a header. It is invalid after the request, so never pass it
// to a goroutine or to the database.
func Context(ctx context.Context) *gin.Context {
	return ctx.Value(ginKey{}).(*gin.Context)
}
