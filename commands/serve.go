package commands

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

	"github.com/spf13/cobra"

	"example.com/latchkey/config"
	"example.com/latchkey/database"
	"example.com/latchkey/endpoint"
)

// A client that is slower than this is cut off, so that it cannot hold a
// connection for nothing.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second

	// An access token has up to 8 KiB; as much again is left for the rest.
	maxHeaderBytes = 16 << 10
)

// heapFloor, in bytes, is never touched, so it takes no memory; but the garbage
// collector counts it, and lets as much again gather before it runs. With the
// few megabytes that are really in use it would run all the time.
const heapFloor = 32 << 20

// housekeeping is how often expired sessions are deleted.
const housekeeping = time.Hour

func serveCommand() *cobra.Command {
	return &cobra.Command{Use: "serve", Short: "Run the API (the default)", Args: cobra.NoArgs, RunE: withBackend(serve)}
}

func serve(cmd *cobra.Command, _ []string, on backend) error {
	// Before anything else is: on memory that was used before, it would have to
	// be cleared, and so be touched.
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)

	// Where the reader of the log goes away, lines are dropped; else the first one
	// would end the program.
	signal.Ignore(syscall.SIGPIPE)

	settings, log := on.settings, on.log
	if len(settings.Ignored) > 0 {
		log.Warn("variables that are not settings are ignored", "names", settings.Ignored)
	}
	engine, err := on.app().Engine()
	if err != nil {
		return err
	}
	// The hashers have counted the cores by now. As many threads again leave
	// one free for every other request while all of them hash.
	runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))

	debug.FreeOSMemory() // what starting took

	// Ended before the database is closed.
	ctx, stop := context.WithCancel(cmd.Context())
	var background sync.WaitGroup
	background.Go(func() { on.services.Sessions.Housekeep(ctx, housekeeping, log) })
	background.Go(func() { on.services.Sessions.Follow(ctx, log) })
	defer background.Wait()
	defer stop()

	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", settings.Server.Address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("server.address: %s is taken: stop the program that listens there, or set APP_SERVER_ADDRESS to another", settings.Server.Address)
	} else if err != nil {
		return fmt.Errorf("server.address: cannot listen: %w", err)
	}
	log.Info("listening", "url", "http://"+listener.Addr().String(), "database", database.Redacted(settings.Database.URL), "environment", settings.Environment)
	return run(cmd.Context(), newServer(engine, settings.Server, log), listener, settings.Server, log)
}

func newServer(handler http.Handler, settings config.Server, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),

		DisableGeneralOptionsHandler: true, // it would answer OPTIONS * without a request id
	}
	(&connections{most: settings.MaxConnections}).limit(server)
	return server
}

// run serves until SIGINT, SIGTERM or SIGHUP, then says so on /readyz for a while,
// and at last lets running requests end. A second SIGINT or SIGTERM ends the
// program at once.
func run(ctx context.Context, server *http.Server, listener net.Listener, settings config.Server, log *slog.Logger) error {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	asked, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	requests := context.WithoutCancel(ctx) // running ones are to end
	draining, drain := context.WithCancel(requests)
	defer drain()
	server.RegisterOnShutdown(drain)
	stopping := endpoint.WithStopping(requests, endpoint.Stopping{Asked: asked, Draining: draining})
	server.BaseContext = func(net.Listener) context.Context { return stopping }
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-asked.Done():
	}
	if ctx.Err() == nil { // it was a signal, and a terminal that closes sends SIGHUP twice
		signal.Ignore(syscall.SIGHUP)
	}
	stop()
	timeout := settings.ShutdownTimeout
	log.Info("shutting down", "delay", settings.ShutdownDelay, "timeout", timeout)
	select {
	case err := <-failed:
		return err
	case <-time.After(settings.ShutdownDelay):
	}
	limited, cancel := context.WithTimeout(requests, timeout)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return fmt.Errorf("requests still ran after %v: %w", timeout, err)
	}
	log.Info("stopped")
	return nil
}
