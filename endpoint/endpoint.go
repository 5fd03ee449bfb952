// Package endpoint turns a typed Go function into a Gin route.
package endpoint

import (
	"context"
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/latchkey/auth"
	"example.com/latchkey/config"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Access is who may call a route.
type Access string

// A route is Public only by saying so.
const (
	AccessPublic Access = "public"
	AccessUser   Access = "user"
	AccessAdmin  Access = "admin"
)

// Route is one line of the API's table.
type Route struct {
	Method, Path, Summary string
	Access                Access

	maxBody config.Size
	status  int
	plain   gin.HandlerFunc
	call    func(*gin.Context) (any, error)
	refuse  func(error) error
	fails   []*problem.Problem
	bind    binder
	in, out reflect.Type
	handler string // the function's name
}

// None is the type of an input or an answer that is empty.
type None = struct{}

// Versioned is an answer with a version, which its ETag header tells: a quoted
// word that changes whenever the answer does (RFC 9110, section 8.8.3).
type Versioned interface{ ETag() string }

// Public is a route that anybody may call.
func Public[In, Out any](method, path, summary string, handle func(context.Context, In) (Out, error)) Route {
	route := Route{
		Method: method, Path: path, Summary: summary, Access: AccessPublic, status: http.StatusOK,
		bind: newBinder(reflect.TypeFor[In](), method, path),
		in:   reflect.TypeFor[In](), out: reflect.TypeFor[Out](), handler: handlerName(handle),
	}
	if route.out == reflect.TypeFor[None]() {
		route.status = http.StatusNoContent
	}
	route.call = func(c *gin.Context) (any, error) {
		var in In
		if err := route.bind.request(c, reflect.ValueOf(&in).Elem()); err != nil {
			return nil, err
		}
		return handle(context.WithValue(c.Request.Context(), ginKey{}, c), in)
	}
	return route
}

// Protected is a route whose function is given the current user. Whoever
// mounts it puts middleware.Authenticate before it; without, it refuses all.
func Protected[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) Route {
	route := Public(method, path, summary, func(ctx context.Context, in In) (Out, error) {
		user, _ := auth.UserFrom(ctx)
		return handle(ctx, user, in)
	})
	route.Access, route.handler = AccessUser, handlerName(handle)
	return route
}

// Admin is a Protected route for admins alone.
func Admin[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) Route {
	route := Protected(method, path, summary, handle)
	route.Access = AccessAdmin
	return route
}

// Plain is a route that anybody may call, in Gin's own terms.
func Plain(method, path, summary string, handle gin.HandlerFunc) Route {
	return Route{Method: method, Path: path, Summary: summary, Access: AccessPublic, plain: handle, handler: handlerName(handle)}
}

// Answers returns the route with another status for its success than 200, or
// 204 where there is nothing to say.
func (r Route) Answers(status int) Route {
	r.status = status
	return r
}

// Fails returns the route with problems that its document is to name, besides
// those that its access and its input bring with them.
func (r Route) Fails(with ...*problem.Problem) Route {
	r.fails = with
	return r
}

// Refuses returns the route with its errors, those of its input too, turned
// into others, for a route whose errors a standard words.
func (r Route) Refuses(as func(error) error) Route {
	r.refuse = as
	return r
}

// MaxBody returns the route with a limit of its own for the request's body, in
// bytes; it may be over server.max_body. A longer body is 413.
func (r Route) MaxBody(limit config.Size) Route {
	r.maxBody = limit
	return r
}

// publicBody is enough for a login or a token, and all that a stranger can make
// the server hold.
const publicBody = 64 * config.KiB

// BodyLimit is the most bytes that a body may have: the route's own MaxBody, or
// else most, of which a public route takes 64 KiB at the most.
func (r Route) BodyLimit(most config.Size) config.Size {
	switch {
	case r.maxBody > 0:
		return r.maxBody
	case r.Access == AccessPublic:
		return min(most, publicBody)
	}
	return most
}

// Handle is the route's Gin handler.
func (r Route) Handle(c *gin.Context) {
	if err := r.allows(c.Request.Context()); err != nil {
		problem.Write(c, err)
		return
	}
	if r.plain != nil {
		r.plain(c)
		return
	}
	out, err := r.call(c)
	if err != nil && r.refuse != nil {
		err = r.refuse(err)
	}
	switch {
	case err != nil:
		problem.Write(c, err)
	case c.Writer.Written(): // by the function itself, through Gin
	case r.status == http.StatusNoContent:
		c.Status(r.status)
	default:
		answer(c, r.status, out)
	}
}

// allows asks who may call before anything is read of what they say.
func (r Route) allows(ctx context.Context) error {
	user, ok := auth.UserFrom(ctx)
	switch {
	case r.Access == AccessPublic:
		return nil
	case !ok:
		return auth.ErrTokenMissing
	case r.Access == AccessAdmin && user.Role != models.RoleAdmin:
		return problem.Forbidden.Detailed("Only an admin may do this")
	}
	return nil
}

// answer encodes before it writes, so that what cannot be encoded is a clean 500.
func answer(c *gin.Context, status int, out any) {
	body, err := json.Marshal(out, writeTimes, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		problem.Write(c, err)
		return
	}
	if versioned, ok := out.(Versioned); ok {
		c.Header("ETag", versioned.ETag())
	}
	c.Data(status, "application/json; charset=utf-8", body)
}

type ginKey struct{}

// Gin gives the Gin context of a request to the function that handles it, for
// what types cannot say: a header, a file, a stream. It must not outlive the
// request, so never hand it to a goroutine or to the database.
func Gin(ctx context.Context) *gin.Context {
	return ctx.Value(ginKey{}).(*gin.Context)
}
