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
	"time"

	"github.com/valyala/fasthttp"
)

const (
	credentials = `{"email":"ada@example.com","password":"correct horse"}`
	mib         = 1 << 20
)

// app is a running Latchkey with its database, and its results.
type app struct {
	folder, program, address, token string
	bareProgram, plainProgram       string
	environ                         []string
	stderr                          io.Writer
	refresh                         []string // the refresh tokens of its clients
	notes                           bool     // whether the API has notes

	api, bare   *server
	bareRate    float64   // of the bare server, per second
	loginRatios []float64 // a login after many clients have disconnected, over one alone
	made        *report
}

// build builds the programs as `make build` does.
func (s *app) build(ctx context.Context) error {
	for program, source := range map[string]string{s.program: "..", s.bareProgram: "bare", s.plainProgram: "plain"} {
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

func (s *app) start(ctx context.Context) (err error) {
	s.api, err = start(ctx, s.folder, s.address, "/healthz", append([]string{
		"APP_SERVER_ADDRESS=" + s.address,
		"APP_LOG_LEVEL=error",
		fmt.Sprint("APP_SERVER_MAX_CONNECTIONS=", connectionCount+500),
		"APP_JWT_MAX_SESSIONS=1000000",   // all logins are of one user
		"APP_LOGIN_MAX_FAILURES=1000000", // all registrations are from one address
		"APP_PASSWORD_MAX_WAIT=60s",      // the last of 64 logins waits longer than the default allows
	}, s.environ...), s.stderr, s.program)
	return err
}

// request makes a request to the application. With a body it is a POST.
func (s *app) request(path, body string) *fasthttp.Request {
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

// launchBoth starts both servers, and adds some notes of a user.
func (s *app) launchBoth(ctx context.Context) error {
	if err := errors.Join(s.launch(ctx), s.startBare(ctx)); err != nil {
		return err
	}
	if err := s.measureMemory("idle memory", "after start, register and login"); err != nil {
		return err
	}
	return s.addNotes(20)
}

func (s *app) startBare(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.bare, err = start(ctx, s.folder, address, "/", []string{}, os.Stderr, s.bareProgram, address, hash)
	return err
}

// measureMemory measures the memory of both servers, if the system reports it.
func (s *app) measureMemory(name, when string) error {
	memory, err := resident(s.api)
	bare, bareErr := resident(s.bare)
	if memory > 0 {
		s.made.set(name, memory, "%s; bare Gin %.1f MiB", when, bare)
	}
	return errors.Join(err, bareErr)
}

func (s *app) launch(ctx context.Context) (err error) {
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

// addNotes adds notes, unless a fork has removed them.
func (s *app) addNotes(notes int) error {
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

// withDatabase is the same program with its own database.
func (s *app) withDatabase(folder string, environ ...string) *app {
	return &app{
		folder: filepath.Join(s.folder, folder), program: s.program, stderr: s.stderr,
		made: &report{figures: map[string]figure{}}, environ: environ,
	}
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory of a server in MiB, or 0 if the system does not report it.
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

// processorTime is how long the threads of a server have run, or 0 if the system does
// not report it.
func processorTime(s *server) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.command.Process.Pid))
	for _, thread := range threads {
		text, readErr := os.ReadFile(thread)
		var ran time.Duration
		_, scanErr := fmt.Sscan(string(text), &ran) // in nanoseconds
		sum, err = sum+ran, errors.Join(err, readErr, scanErr)
	}
	return sum, err
}
