//go:build unix

package tests

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

// launchWithPipe starts a server that logs to a pipe. The test reads the pipe until
// the server listens, and then no more.
func launchWithPipe(t *testing.T, wrap []string, environ ...string) (s apptest.Server, log *os.File) {
	t.Helper()
	log, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	program := kit.Command(t, t.TempDir(), append([]string{"APP_SERVER_ADDRESS=127.0.0.1:0", "APP_PASSWORD_BCRYPT_COST=4"}, environ...))
	if wrap != nil {
		path, err := exec.LookPath(wrap[0])
		if err != nil {
			t.Fatal(err)
		}
		program.Path, program.Args = path, append(slices.Clone(wrap), os.Args[0])
	}
	program.Stderr = written
	s = apptest.Server{Server: kit.Launch(t, program)}
	_ = written.Close()
	_ = log.SetReadDeadline(time.Now().Add(time.Minute)) // so that a test that hangs fails
	listening := regexp.MustCompile(`listening\W.*(http://127\.0\.0\.1:\d+)`)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			s.URL = found[1]
			return s, log
		}
	}
	t.Fatal("the server does not listen")
	return s, nil
}

// A pipe holds 64 KiB, some 400 lines; then its writer has to wait.
const moreLinesThanAPipeHolds = 1000

func TestTheServerRunsWithoutAReaderOfItsLog(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for name, stop := range map[string]func(*os.File){
		"stops reading": func(*os.File) {},
		"goes away":     func(log *os.File) { _ = log.Close() },
	} {
		for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
			t.Run(name+" before "+sent.String(), func(t *testing.T) {
				if signal.Ignored(sent) {
					t.Skip("the tests run under nohup")
				}
				s, log := launchWithPipe(t, nil)
				stop(log)
				for range moreLinesThanAPipeHolds {
					s.Want(200, "GET", "/healthz", "")
				}
				body := apptest.Credentials("ada@example.com")
				running, answers := startRegistration(t, s, body)
				s.Signal(sent)
				awaitClosed(t, s)
				fmt.Fprint(running, body)
				if status := readStatus(t, answers); status != http.StatusCreated {
					t.Error(status)
				}
				if code := s.End(); code != 0 {
					t.Errorf("exit %d", code)
				}
			})
		}
	}
}

func TestAnErrorAtTheEndDoesNotWaitForAReader(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s, _ := launchWithPipe(t, nil, "APP_SERVER_SHUTDOWN_TIMEOUT=100ms")
	for range moreLinesThanAPipeHolds {
		s.Want(200, "GET", "/healthz", "")
	}
	startRegistration(t, s, "{}")
	s.Signal(syscall.SIGTERM)
	if code := s.End(); code != 1 {
		t.Errorf("exit %d", code)
	}
}

func TestAServerUnderNohupIgnoresSIGHUP(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s, _ := launchWithPipe(t, []string{"nohup"})
	s.Want(200, "GET", "/healthz", "") // the signals are set before the first answer
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	if err != nil {
		t.Skip("this system does not show which signals a process ignores: ", err)
	}
	found := regexp.MustCompile(`SigIgn:\s+[0-9a-f]+([0-9a-f])\n`).FindStringSubmatch(string(status))
	if found == nil || !strings.ContainsAny(found[1], "13579bdf") { // SIGHUP is the lowest bit
		t.Errorf("ignored signals: %q", found)
	}
	s.Signal(syscall.SIGTERM)
	if code := s.End(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
