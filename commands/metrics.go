package commands

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
	"example.com/latchkey/middleware"
	"example.com/latchkey/routes"
)

// serveMetrics lets app count its requests and logins, and serves these and the other
// figures of the process, and its profiles, in the background of the service, at
// server.metrics_address.
func serveMetrics(ctx context.Context, b backend, app *routes.App, service *server.Service) error {
	address := b.Settings.Server.MetricsAddress
	if address == "" {
		return nil
	}
	registry, err := newRegistry(b, *app)
	if err != nil {
		return err
	}
	app.Middleware = append(app.Middleware, middleware.Metrics(registry))
	app.OnLogin = append(app.OnLogin, accounts.CountLogins(registry))
	listener, err := server.Listen(ctx, "server.metrics_address", address)
	if err != nil {
		return err
	}
	b.Log.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	metrics := &http.Server{ // without a WriteTimeout, because the client chooses how long a profile takes
		Handler:           metricsHandler(registry, b.Log),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(b.Log.Handler(), slog.LevelWarn),
	}
	service.Background = append(service.Background, func(ctx context.Context, log *slog.Logger) {
		context.AfterFunc(ctx, func() { _ = metrics.Close() })
		if err := metrics.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", "error", err)
		}
	})
	return nil
}

// newRegistry has the figures that are read when Prometheus asks. Add a collector of
// your own to the list.
func newRegistry(b backend, app routes.App) (*prometheus.Registry, error) {
	pools, err := database.Pools(b.DB)
	if err != nil {
		return nil, err
	}
	all := []prometheus.Collector{
		collectors.NewBuildInfoCollector(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		jobsCollector(b.DB, jobs.Kinds(app.Jobs())),
	}
	for name, pool := range pools {
		all = append(all, collectors.NewDBStatsCollector(pool, name))
	}
	registry := prometheus.NewRegistry()
	for _, collector := range append(all, serviceFigures(app.Auth)...) {
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
