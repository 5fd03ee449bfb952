package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/valyala/fasthttp"
)

const (
	credentials = `{"email":"ada@example.com","password":"correct horse"}`
	mib         = 1 << 20
)

// subject is the application, and what was measured of it.
type subject struct {
	folder, program, address, token string
	plain                           string // the program of bare Gin
	environ                         []string
	stderr                          io.Writer
	refresh                         []string // the refresh tokens of its clients
	notes                           bool     // whether it has them

	api, bare *server
	bareRate  float64   // of the bare server, per second
	settled   []float64 // a login after many have hung up, over one alone
	made      *report
}

// build makes the programs as `make build` does.
func (s *subject) build(ctx context.Context) error {
	for program, source := range map[string]string{s.program: "..", s.plain: "bare"} {
		command := exec.CommandContext(ctx, "go", "build", "-tags=nomsgpack", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
		command.Dir = source
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return err
		}
	}
	info, err := os.Stat(s.program)
	if err != nil {
		return err
	}
	s.made.set("binary size", float64(info.Size())/mib, "as `make build` makes it")
	return nil
}

func (s *subject) start(ctx context.Context) (err error) {
	s.api, err = start(ctx, s.folder, s.address, "/healthz", append([]string{
		"APP_SERVER_ADDRESS=" + s.address,
		"APP_LOG_LEVEL=error",
		fmt.Sprint("APP_SERVER_MAX_CONNECTIONS=", crowdSize+500),
		"APP_JWT_MAX_SESSIONS=1000000", // all logins are one user's
		"APP_PASSWORD_MAX_WAIT=60s",    // the last of 64 logins waits longer than the default lets it
	}, s.environ...), s.stderr, s.program)
	return err
}

// request makes a request of the application; with a body it is a POST.
func (s *subject) request(path, body string) *fasthttp.Request {
	request := new(fasthttp.Request)
	request.SetRequestURI("http://" + s.address + path)
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.SetMethod("POST")
		request.Header.SetContentType("application/json")
		request.SetBodyString(body)
	}
	return request
}

// begin starts the application and, besides, logs a user with some notes in.
func (s *subject) begin(ctx context.Context) error {
	if err := errors.Join(s.launch(ctx), s.startBare(ctx)); err != nil {
		return err
	}
	if err := s.weigh("idle memory", "after start, register and login"); err != nil {
		return err
	}
	return s.write(20)
}

func (s *subject) startBare(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.bare, err = start(ctx, s.folder, address, "/", []string{}, os.Stderr, s.plain, address, hash)
	return err
}

// weigh takes the memory of both, where the system tells it.
func (s *subject) weigh(name, when string) error {
	memory, err := resident(s.api)
	bare, bareErr := resident(s.bare)
	if memory > 0 {
		s.made.set(name, memory, "%s; bare Gin %.1f MiB", when, bare)
	}
	return errors.Join(err, bareErr)
}

func (s *subject) launch(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	if s.address, err = freeAddress(); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	var answer fasthttp.Response
	for _, path := range []string{"/register", "/login"} {
		if err := fasthttp.Do(s.request(path, credentials), &answer); err != nil {
			return err
		}
	}
	var login struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(answer.Body(), &login)
	s.token = login.AccessToken
	return err
}

// write adds notes, unless a fork has taken them out.
func (s *subject) write(notes int) error {
	var answer fasthttp.Response
	for range notes {
		if err := fasthttp.Do(s.request("/notes", note), &answer); err != nil {
			return err
		}
		if answer.StatusCode() == fasthttp.StatusNotFound {
			s.made.leftOut += "there are no notes; "
			return nil
		}
		s.notes = true
		if answer.StatusCode() != fasthttp.StatusCreated {
			return fmt.Errorf("POST /notes answered %d: %s", answer.StatusCode(), answer.Body())
		}
	}
	return nil
}

const note = `{"title":"Milk","body":"Two pints of it, and a loaf of bread."}`

// twin is the same program with a database of its own.
func (s *subject) twin(folder string, environ ...string) *subject {
	return &subject{
		folder: filepath.Join(s.folder, folder), program: s.program, stderr: s.stderr,
		made: &report{figures: map[string]figure{}}, environ: environ,
	}
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory a server holds, in MiB; 0 where the system does not tell.
func resident(s *server) (float64, error) {
	pid := s.command.Process.Pid
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, nil
	}
	found := vmRSS.FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	kib, err := strconv.ParseFloat(string(found[1]), 64)
	return kib / 1024, err
}
