//go:build unix

package commands_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// piped is a server whose log goes to a pipe, of which the test has read the
// lines until it listens, and reads no more.
func piped(t *testing.T, wrap []string, environ ...string) (s *server, log *os.File) {
	t.Helper()
	log, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	nothing := filepath.Join(t.TempDir(), "printed")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = &server{t: t, log: nothing, ended: make(chan struct{})}
	s.run = command(t, t.TempDir(), append([]string{"APP_SERVER_ADDRESS=127.0.0.1:0", "APP_PASSWORD_BCRYPT_COST=4"}, environ...))
	if wrap != nil {
		path, err := exec.LookPath(wrap[0])
		if err != nil {
			t.Fatal(err)
		}
		s.run.Path, s.run.Args = path, append(slices.Clone(wrap), os.Args[0])
	}
	s.run.Stderr = written
	if err := s.run.Start(); err != nil {
		t.Fatal(err)
	}
	_ = written.Close()
	go func() {
		_ = s.run.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { <-s.ended })
	_ = log.SetReadDeadline(time.Now().Add(time.Minute)) // only so that a hang fails
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			s.url = found[1]
			return s, log
		}
	}
	t.Fatal("does not listen")
	return nil, nil
}

// A pipe takes 64 KiB, so some 400 lines, before its writer has to wait.
const linesPastAPipe = 1000

func TestTheLogsReaderNeitherHoldsNorEndsTheServer(t *testing.T) {
	for name, stop := range map[string]func(*os.File){
		"stops reading": func(*os.File) {},
		"goes away":     func(log *os.File) { _ = log.Close() },
	} {
		for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
			t.Run(name+" before "+sent.String(), func(t *testing.T) {
				s, log := piped(t, nil)
				stop(log)
				for range linesPastAPipe {
					s.want(200, "GET", "/healthz", "")
				}
				body := credentials("ada@example.com")
				running, answers := s.hanging(body)
				s.signal(sent)
				s.refuses()
				fmt.Fprint(running, body)
				if status := readStatus(t, answers); status != http.StatusCreated {
					t.Error(status)
				}
				if code := s.end(); code != 0 {
					t.Errorf("exit %d", code)
				}
			})
		}
	}
}

func TestTheLastWordsWaitForNobody(t *testing.T) {
	s, _ := piped(t, nil, "APP_SERVER_SHUTDOWN_TIMEOUT=100ms")
	for range linesPastAPipe {
		s.want(200, "GET", "/healthz", "")
	}
	s.hanging("{}")
	s.signal(syscall.SIGTERM)
	if code := s.end(); code != 1 {
		t.Errorf("exit %d", code)
	}
}

func TestAServerUnderNohupIgnoresSIGHUP(t *testing.T) {
	s, _ := piped(t, []string{"nohup"})
	s.want(200, "GET", "/healthz", "") // the signals are set before the first answer
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.run.Process.Pid))
	if err != nil {
		t.Skip("this system does not tell which signals a process ignores: ", err)
	}
	found := regexp.MustCompile(`SigIgn:\s+[0-9a-f]+([0-9a-f])\n`).FindStringSubmatch(string(status))
	if found == nil || !strings.ContainsAny(found[1], "13579bdf") { // SIGHUP is the lowest bit
		t.Errorf("ignored are %q", found)
	}
	s.signal(syscall.SIGTERM)
	if code := s.end(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
