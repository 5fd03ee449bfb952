// Package server runs a Gin engine as a service: its middleware of every request, its
// connections, its log, its background work, and its end.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"gorm.io/gorm"

	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/settings"
)

// The server closes the connection of a client that is slower than this, because
// open connections are limited.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 30 * time.Second // for each writePiece of an answer
	idleTimeout       = 120 * time.Second
	lingerTimeout     = 10 * time.Second // for what a client still sends after its answer
	lingerShutdown    = time.Second      // instead of lingerTimeout, once the server stops

	writePiece = 16 << 10 // in bytes

	// An access token has up to 8 KiB; the other headers have the same.
	maxHeaderBytes = 16 << 10
)

// heapBallast, in bytes, is allocated and never touched, so it takes no memory.
// The garbage collector runs when the heap has doubled, and counts the ballast:
// without it, it would run all the time on the few megabytes in use.
const heapBallast = 32 << 20

// Service is what Run runs.
type Service struct {
	Engine     http.Handler
	Jobs       []jobs.Handler
	Background []func(context.Context, *slog.Logger) // each until its context ends

	Warnings []string    // about settings that are probably not intended, for the log
	Summary  []slog.Attr // what the log lists as turned on
}

// Run serves what build returns until SIGINT, SIGTERM or SIGHUP, and then for the settings'
// ShutdownDelay and ShutdownTimeout. The background work ends before it returns.
func Run(ctx context.Context, s Settings, db *gorm.DB, log *slog.Logger, build func(context.Context) (Service, error)) error {
	// To collect the little garbage of the start would take a fifth of its time.
	gcPercent := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(gcPercent)
	// This comes first: Go would clear memory that was in use before, and so touch it.
	ballast := make([]byte, heapBallast)
	defer runtime.KeepAlive(ballast)

	// If the reader of the log goes away, lines are dropped. Without this, SIGPIPE
	// would end the program.
	signal.Ignore(syscall.SIGPIPE)

	background, stop := context.WithCancel(ctx)
	draining, drain := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer drain()
	defer stop()
	service, err := build(background)
	if err != nil {
		return err
	}
	worker, err := jobs.NewWorker(db, log, service.Jobs)
	if err != nil {
		return err
	}
	listener, err := Listen(background, "server.address", s.Address)
	if err != nil {
		return err
	}
	// The number of hashes at the same time is counted already. With twice as many
	// threads, other requests run while all cores hash.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
	for _, run := range service.Background {
		running.Go(func() { run(background, log) })
	}
	running.Go(func() { worker.Run(draining, s.ShutdownTimeout) })
	for _, warning := range service.Warnings {
		log.Warn(warning)
	}
	log.LogAttrs(ctx, slog.LevelInfo, "listening", append([]slog.Attr{slog.String("url", "http://"+listener.Addr().String())}, service.Summary...)...)
	server := newServer(service.Engine, log)
	server.RegisterOnShutdown(drain) // jobs and requests end at the same time
	debug.SetGCPercent(gcPercent)
	return run(ctx, draining, server, listener, s, log)
}

// Listen listens on the address of a setting.
func Listen(ctx context.Context, key, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is taken: stop the program that listens there, or set %s to another", key, address, settings.Variable(key))
	} else if err != nil {
		return nil, fmt.Errorf("%s: cannot listen: %w", key, err)
	}
	return listener, nil
}

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),

		DisableGeneralOptionsHandler: true, // which answers OPTIONS * without a request id
	}
}

// run serves until SIGINT, SIGTERM or SIGHUP. It still serves for server.shutdown_delay,
// while /readyz answers 503, and then waits up to server.shutdown_timeout for running
// requests to end. A second SIGINT or SIGTERM ends the program at once.
func run(ctx, draining context.Context, server *http.Server, listener net.Listener, s Settings, log *slog.Logger) error {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signals = append(signals, syscall.SIGHUP)
	}
	signalled, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	requests := endpoint.WithStopping(context.WithoutCancel(ctx), endpoint.Stopping{Asked: signalled, Draining: draining})
	server.BaseContext = func(net.Listener) context.Context { return requests } // a signal does not cancel them
	stopped := make(chan error, 1)
	defer context.AfterFunc(signalled, func() {
		if ctx.Err() == nil { // a signal came; a terminal that closes sends SIGHUP twice
			signal.Ignore(syscall.SIGHUP)
		}
		stop()
		stopped <- shutDown(requests, server, s, log)
	})()
	if err := server.Serve(limitConnections(draining, server, listener, s)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func shutDown(ctx context.Context, server *http.Server, s Settings, log *slog.Logger) error {
	log.Info("shutting down", "delay", s.ShutdownDelay, "timeout", s.ShutdownTimeout)
	time.Sleep(s.ShutdownDelay)
	limited, cancel := context.WithTimeout(ctx, s.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return fmt.Errorf("requests still ran after %v: %w", s.ShutdownTimeout, err)
	}
	log.Info("stopped")
	return nil
}
