// Package metrics is the part that counts requests, logins and more for Prometheus, and
// serves these figures and the profiles of the process at an address of their own.
package metrics

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/latchkey/app"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/server"
)

// Part returns the part.
func Part() app.Part {
	return app.Part{Name: "metrics", Settings: []config.Section{config.NewSection("server", Settings{}, check)}, New: start}
}

func start(a app.App) app.Running {
	address := config.Of[Settings](a.Settings).MetricsAddress
	running := app.Running{Summary: []slog.Attr{slog.String("metrics", cmp.Or(address, "off"))}}
	if address == "" {
		return running
	}
	registry := prometheus.NewRegistry()
	running.Middleware = []gin.HandlerFunc{countRequests(registry)}
	running.OnLogin = []func(error){countLogins(registry)}
	running.Serve = func(ctx context.Context, p app.Program) (app.Background, error) {
		if err := register(registry, p); err != nil {
			return nil, err
		}
		return serve(ctx, registry, address, a.Log)
	}
	return running
}

func serve(ctx context.Context, registry *prometheus.Registry, address string, log *slog.Logger) (app.Background, error) {
	listener, err := server.Listen(ctx, "server.metrics_address", address)
	if err != nil {
		return nil, err
	}
	log.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	metrics := &http.Server{ // without a WriteTimeout, because the client chooses how long a profile takes
		Handler:           handler(registry, log),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return func(ctx context.Context, log *slog.Logger) {
		context.AfterFunc(ctx, func() { _ = metrics.Close() })
		if err := metrics.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", "error", err)
		}
	}, nil
}

// register adds the figures that are read when Prometheus asks.
func register(registry *prometheus.Registry, p app.Program) error {
	pools, err := database.Pools(p.DB)
	if err != nil {
		return err
	}
	all := []prometheus.Collector{
		collectors.NewBuildInfoCollector(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		jobsCollector(p.DB, jobs.Kinds(p.Jobs)),
	}
	for name, pool := range pools {
		all = append(all, collectors.NewDBStatsCollector(pool, name))
	}
	for _, figure := range append(serviceFigures(p.Auth), p.Figures...) {
		all = append(all, collectorOf(figure))
	}
	for _, collector := range all {
		if err := registry.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// handler serves what net/http/pprof serves on http.DefaultServeMux, which no
// listener of this program uses.
func handler(registry *prometheus.Registry, log *slog.Logger) http.Handler {
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
