package commands

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/middleware"
	"example.com/latchkey/routes"
)

// serveMetrics lets app count its requests and logins, and serves these and the other
// figures of the process, and its profiles, at server.metrics_address until ctx ends.
func serveMetrics(ctx context.Context, b backend, app *routes.App, background *sync.WaitGroup) error {
	address := b.settings.Server.MetricsAddress
	if address == "" {
		return nil
	}
	registry, err := newRegistry(b, app.Jobs())
	if err != nil {
		return err
	}
	app.Middleware = append(app.Middleware, middleware.Metrics(registry))
	app.OnLogin = append(app.OnLogin, accounts.CountLogins(registry))
	listener, err := listen(ctx, "server.metrics_address", address)
	if err != nil {
		return err
	}
	b.log.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	server := &http.Server{ // without a WriteTimeout, because the client chooses how long a profile takes
		Handler:           metricsHandler(registry, b.log),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	background.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			b.log.Error("metrics are no longer served", "error", err)
		}
	})
	return nil
}

// newRegistry has the figures that are read when Prometheus asks. Add a collector of
// your own to the list.
func newRegistry(b backend, handlers []jobs.Handler) (*prometheus.Registry, error) {
	pools, err := database.Pools(b.db)
	if err != nil {
		return nil, err
	}
	all := []prometheus.Collector{
		collectors.NewBuildInfoCollector(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		jobsCollector(b.db, jobs.Kinds(handlers)),
	}
	for name, pool := range pools {
		all = append(all, collectors.NewDBStatsCollector(pool, name))
	}
	registry := prometheus.NewRegistry()
	for _, collector := range append(all, serviceFigures(b.services)...) {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return registry, nil
}

// metricsHandler serves what net/http/pprof serves on http.DefaultServeMux, which no
// listener of this program uses.
func metricsHandler(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:  promhttp.ContinueOnError, // while the database is away, the other figures are needed most
		CoalesceGather: true,                     // so that many scrapes at once count jobs once
	}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// metricsOn is for the summary of the start.
func metricsOn(settings config.Settings) slog.Attr {
	return slog.String("metrics", cmp.Or(settings.Server.MetricsAddress, "off"))
}
