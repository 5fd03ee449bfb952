package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// Options are what an engine is made of.
type Options struct {
	Settings

	Realm   string // names the service in challenges
	Log     *slog.Logger
	LogMore func(ctx context.Context, err error) (slog.Level, []slog.Attr) // may be nil

	Routes []endpoint.Route // of the API
	Pages  []endpoint.Route // below the base path, besides the API

	Origins      []string          // whose pages may also send what their browser has for this server, such as cookies
	Middleware   []gin.HandlerFunc // runs around every request
	Authenticate gin.HandlerFunc   // refuses a request of nobody to a route that is not public
}

// maxMemory, in bytes, is how much memory answers over 16 KiB may take, and also how much
// bodies over 64 KiB may.
const maxMemory = 64 << 20

// NewEngine builds an engine with the routes, and the middleware of all requests.
func NewEngine(o Options) (*gin.Engine, error) {
	if err := endpoint.CheckRoutes(o.Routes); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.MaxMultipartMemory = endpoint.FormMemory
	engine.RedirectTrailingSlash = false // Gin redirects without running the middleware
	engine.ForwardedByClientIP = false   // realIP has set RemoteAddr
	engine.Use(realIP(o.TrustedProxies, o.Log), requestID, withClient(o.Realm))
	engine.Use(o.Middleware...)
	engine.Use(logRequests(o.Log, o.LogMore), answerPanics, setHeaders)
	table := endpoint.LimitMemory(append(slices.Clone(o.Routes), endpoint.Group(o.BasePath, o.Pages)...), maxMemory, network)
	if len(o.CORSOrigins)+len(o.Origins) > 0 {
		engine.Use(allowOrigins(o, table))
	}
	engine.Use(healthOnly("/healthz", "/readyz"))
	engine.NoRoute(func(c *gin.Context) { problem.Write(c, problem.NotFound) })
	engine.NoMethod(func(c *gin.Context) { problem.Write(c, problem.MethodNotAllowed) })
	for _, route := range table {
		chain := append([]gin.HandlerFunc{limitBody(route.BodyLimit(int64(o.MaxBody)))}, route.Handlers()...)
		if !route.Access.Public() {
			chain = slices.Insert(chain, 0, o.Authenticate)
		}
		engine.Handle(route.Method, route.Path, chain...)
		if route.Method == http.MethodGet {
			engine.HEAD(route.Path, chain...)
		}
	}
	return engine, nil
}

func network(ctx context.Context) string { return client.From(ctx).Network() }

// allowOrigins lets pages from these origins call the API with the methods of the
// table (CORS). Requests from other origins pass without CORS headers, where the
// library would answer 403. All answers vary by Origin, so that a cache does not mix
// them up.
func allowOrigins(o Options, table []endpoint.Route) gin.HandlerFunc {
	methods := map[string]bool{}
	for _, route := range table {
		methods[route.Method] = true
	}
	config := cors.Config{
		AllowOriginFunc: func(string) bool { return true }, // the origin is checked below
		AllowMethods:    slices.Sorted(maps.Keys(methods)),
		AllowHeaders:    append([]string{"Authorization", "Content-Type", "If-Match", "If-None-Match", problem.RequestIDHeader}, o.CORSHeaders...),
		ExposeHeaders:   []string{"ETag", "Location", "Retry-After", "WWW-Authenticate", problem.RequestIDHeader},
		MaxAge:          time.Hour,
	}
	handle := cors.New(config)
	config.AllowCredentials = true
	handleWithCredentials := cors.New(config)
	return func(c *gin.Context) {
		c.Writer.Header().Add("Vary", "Origin")
		switch origin := c.GetHeader("Origin"); {
		case slices.Contains(o.Origins, origin):
			handleWithCredentials(c)
		case slices.Contains(o.CORSOrigins, origin):
			handle(c)
		}
	}
}

// pingTimeout is much shorter than the interval of any probe.
const pingTimeout = time.Second

// Health has the checks for a supervisor or a load balancer.
type Health struct {
	DB *gorm.DB
}

// HealthStatus is the answer of a check that succeeds.
type HealthStatus struct {
	Status string `json:"status"`
}

// Live reports that the process runs.
func (Health) Live(c *gin.Context) {
	c.JSON(http.StatusOK, HealthStatus{"ok"})
}

// Ready reports that the server can handle requests: the database writes and has
// all migrations, and the server is not about to stop.
func (h Health) Ready(ctx context.Context, _ endpoint.None) (HealthStatus, error) {
	if endpoint.StoppingFrom(ctx).Asked.Err() != nil {
		return HealthStatus{}, problem.Unavailable.Detailed("The server is about to stop")
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	db := h.DB.WithContext(ctx)
	pending, err := database.Pending(db)
	switch {
	case err != nil && !errors.Is(err, database.ErrNewer): // during a deployment, new replicas migrate first
	case len(pending) > 0:
		err = problem.Unavailable.Detailed("The database has pending migrations")
	default:
		err = database.CheckWrites(db)
	}
	if err != nil && !errors.Is(err, problem.Unavailable) { // which keeps its detail
		err = problem.Unavailable.Because(err)
	}
	return HealthStatus{"ok"}, err
}
