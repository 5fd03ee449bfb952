// Package postgres runs a private PostgreSQL server, for tests and measurements.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Server is a private PostgreSQL server on a free port of the loopback interface.
type Server struct {
	URL     string // of its only database
	folder  string
	options string

	guard *exec.Cmd
	alive io.Closer // what the guard reads from
}

// Start starts a new server with initdb and pg_ctl, which must be in the PATH. The
// options are command-line options of postgres.
func Start(options ...string) (*Server, error) {
	folder, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder}
	port, err := freePort(context.Background())
	if err == nil {
		err = s.chown()
	}
	if err == nil {
		err = s.startGuard()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	s.options = fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='%s' -c max_connections=300 %s", port, s.folder, strings.Join(options, " "))
	err = s.run("initdb", "-D", s.data(), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	if err == nil {
		err = s.Resume()
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// startGuard starts a process that stops the server and deletes its data when this
// process ends, even after a panic.
func (s *Server) startGuard() error {
	control, err := exec.LookPath("pg_ctl")
	if err != nil {
		return err
	}
	s.guard = s.command("sh", "-c", `trap "" INT TERM; read -r _; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"`, control, s.folder)
	if s.alive, err = s.guard.StdinPipe(); err != nil {
		return err
	}
	return s.guard.Start()
}

// Resume starts the server again after a Halt.
func (s *Server) Resume() error {
	return s.run("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.folder, "log"), "-o", s.options, "-w", "start")
}

// Halt stops the server and disconnects its clients.
func (s *Server) Halt() error {
	return s.run("pg_ctl", "-D", s.data(), "-m", "fast", "-w", "stop")
}

// Stop stops the server for good and deletes its data.
func (s *Server) Stop() error { return errors.Join(s.alive.Close(), s.guard.Wait()) }

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// account runs the server, because PostgreSQL refuses to run as root.
const account = "postgres"

// chown gives the folder to the account that runs the server.
func (s *Server) chown() error {
	if os.Geteuid() != 0 {
		return nil
	}
	owner, err := user.Lookup(account)
	if err != nil {
		return err
	}
	id, err := strconv.Atoi(owner.Uid)
	return errors.Join(err, os.Chown(s.folder, id, -1))
}

// run runs one of PostgreSQL's programs. Its output goes to a file, because the
// server that pg_ctl starts keeps its output open.
func (s *Server) run(name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	output, err := os.Create(filepath.Join(s.folder, name))
	if err != nil {
		return err
	}
	defer output.Close()
	process := s.command(append([]string{path}, args...)...)
	process.Stdout, process.Stderr = output, output
	if err := process.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(text))
	}
	return nil
}

// command is a command that runs as the account.
func (s *Server) command(words ...string) *exec.Cmd {
	if os.Geteuid() == 0 {
		words = append([]string{"runuser", "-u", account, "--"}, words...)
	}
	command := exec.CommandContext(context.Background(), words[0], words[1:]...) //nolint:gosec // fixed words
	command.Dir = s.folder
	return command
}

func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
