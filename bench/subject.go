package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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
	environ                         []string
	refresh                         []string // the refresh tokens of its clients

	api  *server
	made *figures
}

// build makes the program as `make build` does.
func (s *subject) build(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "build", "-tags=nomsgpack", "-trimpath", "-ldflags=-s -w", "-o", s.program, ".")
	command.Dir = ".."
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return err
	}
	info, err := os.Stat(s.program)
	if err != nil {
		return err
	}
	s.made.size = figure{float64(info.Size()) / mib, "as `make build` makes it"}
	return nil
}

func (s *subject) start(ctx context.Context) (err error) {
	s.api, err = start(ctx, s.folder, s.address, "/healthz", append([]string{
		"APP_SERVER_ADDRESS=" + s.address,
		"APP_LOG_LEVEL=error",
		"APP_PASSWORD_MAX_WAIT=60s", // the last of 64 logins waits longer than the default lets it
	}, s.environ...), s.program)
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

func (s *subject) begin(ctx context.Context) (err error) {
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
	if err := json.Unmarshal(answer.Body(), &login); err != nil {
		return err
	}
	s.token = login.AccessToken
	s.made.memory, err = resident(s.api.command.Process.Pid)
	return err
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory a process holds, where the system tells.
func resident(pid int) (figure, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return figure{from: "skipped: this system does not tell"}, nil
	}
	found := vmRSS.FindSubmatch(status)
	if found == nil {
		return figure{}, fmt.Errorf("process %d has ended", pid)
	}
	kib, err := strconv.ParseFloat(string(found[1]), 64)
	return figure{kib / 1024, "after start, register and login"}, err
}
