package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/valyala/fasthttp"
)

// server is a running child process.
type server struct {
	command *exec.Cmd
	cancel  context.CancelFunc
	url     string
	took    time.Duration // from its start to its first answer
}

// start runs a program with only the variables of env, and returns when path answers
// 200.
func start(ctx context.Context, folder, address, path string, env []string, stderr io.Writer, program string, arguments ...string) (*server, error) {
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = folder
	command.Env = env
	command.Stderr = stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	s := &server{command: command, cancel: cancel, url: "http://" + address}
	started := time.Now()
	if err := command.Start(); err != nil {
		cancel()
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		if status, _, err := fasthttp.Get(nil, s.url+path); err == nil && status == fasthttp.StatusOK {
			s.took = time.Since(started)
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", s.url+path)
}

// stop interrupts the process, if there is one, and kills it later. Its error is
// ignored, because the bare server does not handle the signal.
func (s *server) stop() {
	if s != nil {
		s.cancel()
		_ = s.command.Wait()
	}
}

// freeAddress returns an unused loopback address.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
