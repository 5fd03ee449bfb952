package apptest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asProgram is the variable that makes the test's binary run as the program.
const asProgram = "TEST_AS_PROGRAM=1"

// MainOfProgram is Main for tests that start the test's binary as the program.
func MainOfProgram(m *testing.M, run func() (status int)) (code int) {
	if slices.Contains(os.Environ(), asProgram) {
		return run()
	}
	return Main(m)
}

// Command is the program in a folder, with no APP_ variables except those of environ.
func Command(t *testing.T, folder string, environ []string, args ...string) *exec.Cmd {
	inherited := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "APP_") })
	program := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // the test itself
	program.Dir, program.Env = folder, slices.Concat(inherited, []string{asProgram}, environ)
	return program
}

// Run runs the program to its end.
func Run(t *testing.T, folder string, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, faults bytes.Buffer
	program := Command(t, folder, environ, args...)
	program.Stdout, program.Stderr = &out, &faults
	if err := program.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), faults.String(), program.ProcessState.ExitCode()
}

// Server is the program that runs, until it or the test ends.
type Server struct {
	t     *testing.T
	Cmd   *exec.Cmd
	Log   string        // the file with its output
	Ended chan struct{} // closed at its end
	URL   string        // once it listens

	Client http.Client
}

// Launch starts the program, and keeps what it prints.
func Launch(t *testing.T, program *exec.Cmd) *Server {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &Server{t: t, Cmd: program, Log: log.Name(), Ended: make(chan struct{})}
	if program.Stderr == nil { // the test reads it else
		s.Cmd.Stdout, s.Cmd.Stderr = log, log
	}
	s.Start()
	return s
}

// At is a server that something else has started.
func At(t *testing.T, url string) *Server { return &Server{t: t, URL: url} }

// Start starts it once more, after its Cmd was replaced.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.Cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = s.Cmd.Wait() // ProcessState has the exit code
		close(s.Ended)
	}()
	s.t.Cleanup(func() { <-s.Ended }) // the test's context kills it
}

var listening = regexp.MustCompile(`listening\W.*(http://127\.0\.0\.1:\d+)`)

// Await waits until it listens.
func (s *Server) Await() *Server {
	s.t.Helper()
	Await(s.t, "it listens", func() bool {
		if found := listening.FindStringSubmatch(s.Printed()); found != nil {
			s.URL = found[1]
			return true
		}
		select {
		case <-s.Ended:
			s.t.Fatalf("ended with %d: %s", s.Cmd.ProcessState.ExitCode(), s.Printed())
		default:
		}
		return false
	})
	return s
}

// Printed returns what it has printed.
func (s *Server) Printed() string {
	s.t.Helper()
	text, err := os.ReadFile(s.Log)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// Signal sends it a signal.
func (s *Server) Signal(sent os.Signal) {
	s.t.Helper()
	if err := s.Cmd.Process.Signal(sent); err != nil {
		s.t.Fatal(err)
	}
}

// End waits until the program ends and returns its exit code, -1 after a kill.
func (s *Server) End() int {
	s.t.Helper()
	Receive(s.t, "it ends", s.Ended)
	return s.Cmd.ProcessState.ExitCode()
}

// Send sends a JSON request, and returns status 0 if no answer comes.
func (s *Server) Send(method, path, body string, headers ...string) (status int, answer string) {
	response, answer, err := s.Exchange(method, path, body, headers...) //nolint:bodyclose // Exchange closes it
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, answer
}

// Exchange is Send with the headers of the answer.
func (s *Server) Exchange(method, path, body string, headers ...string) (response *http.Response, answer string, err error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err = s.Client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response, string(read), err
}

// Want sends a request and fails the test unless its answer has the status.
func (s *Server) Want(status int, method, path, body string, headers ...string) (answer string) {
	s.t.Helper()
	got, answer := s.Send(method, path, body, headers...)
	if got != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, answer)
	}
	return answer
}

// WantOutput runs the program in a folder, and fails the test unless its output matches the
// regular expression.
func WantOutput(t *testing.T, folder string, environ []string, pattern string, args ...string) {
	t.Helper()
	out, faults, code := Run(t, folder, environ, args...)
	if code != 0 || faults != "" || !regexp.MustCompile("^"+pattern+"\n$").MatchString(out) {
		t.Errorf("%v: exit %d, %q, %s", args, code, out, faults)
	}
}

// WantError runs the program in a folder, and fails the test unless it ends with this error,
// after its name.
func WantError(t *testing.T, folder string, environ []string, message string, args ...string) {
	t.Helper()
	out, faults, code := Run(t, folder, environ, args...)
	if _, said, _ := strings.Cut(faults, ": "); code != 1 || out != "" || said != message+"\n" {
		t.Errorf("%v: exit %d, %q, %s\nwant %s", args, code, out, faults, message)
	}
}
