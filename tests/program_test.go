package tests

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

func TestRoutesListsWhoMayCallEachRoute(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, _, code := kit.Run(t, t.TempDir(), nil, "routes")
	lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
	table := apptest.Table()
	if code != 0 || len(lines) != len(table) {
		t.Fatalf("exit %d, %d lines for %d routes:\n%s", code, len(lines), len(table), out)
	}
	for i, route := range table {
		if got, want := strings.Fields(lines[i])[:3], []string{route.Method, route.Path, route.Access.String()}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if !regexp.MustCompile(`(?m)^GET +/protected +user `).MatchString(out) || !regexp.MustCompile(`(?m)^POST +/login +public `).MatchString(out) {
		t.Error(out)
	}
}

func TestSecretsAreNewAndAcceptedInProduction(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	first, _, _ := kit.Run(t, folder, nil, "secret")
	second, _, _ := kit.Run(t, folder, nil, "secret")
	if first == second {
		t.Error("the same secret twice")
	}
	out, faults, code := kit.Run(t, folder, []string{"APP_ENVIRONMENT=production", "APP_JWT_SECRET=" + strings.TrimSpace(first)}, "config", "check")
	if code != 0 || out != "The settings are good.\n" || faults != "" {
		t.Errorf("exit %d, %s%s", code, out, faults)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Errorf("it wrote files: %v, %v", files, err)
	}
}

func TestConfigCheckReportsAllFaults(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, faults, code := kit.Run(t, t.TempDir(), []string{"APP_LOG_LEVEL=loud", "APP_LOG_FORMAT=xml"}, "config", "check")
	want := "latchkey: 2 settings are wrong:\n" +
		"  log.level: \"loud\" is not one of debug, info, warn and error\n" +
		"  log.format: \"xml\" is neither text nor json\n"
	if code != 1 || out != "" || faults != want {
		t.Errorf("exit %d, %q, %s", code, out, faults)
	}
}

func TestVersionShowsTheGoVersion(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, _, code := kit.Run(t, t.TempDir(), nil, "--version")
	if code != 0 || !regexp.MustCompile(`^latchkey \S+ go1\.\S+.*\n$`).MatchString(out) {
		t.Errorf("exit %d, %q", code, out)
	}
}

func TestAnErrorAtTheStartIsOneLine(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for name, c := range map[string]struct {
		environ, args []string
		want          string
	}{
		"an unknown command":                {nil, []string{"sreve"}, `unknown command "sreve" for "latchkey"`},
		"an unknown flag":                   {nil, []string{"--prot=80"}, "unknown flag: --prot"},
		"an extra argument":                 {nil, []string{"serve", "now"}, `unknown command "now" for "latchkey serve"`},
		"a settings file that is missing":   {nil, []string{"--config=x.yaml"}, "x.yaml: cannot be read: no such file or directory"},
		"a port that is taken":              {[]string{"APP_SERVER_ADDRESS=" + address}, nil, "server.address: " + address + " is taken: stop the program that listens there, or set APP_SERVER_ADDRESS to another"},
		"an address of another machine":     {[]string{"APP_SERVER_ADDRESS=192.0.2.1:80"}, nil, "server.address: cannot listen: "},
		"a data folder that cannot be made": {[]string{"APP_DATABASE_URL=sqlite://TEXT/x.db"}, nil, "database.url: cannot make "},
		"a database that is a folder":       {[]string{"APP_DATABASE_URL=sqlite://."}, nil, "database.url: cannot open sqlite://.: "},
		"a database that is a text file":    {[]string{"APP_DATABASE_URL=sqlite://TEXT"}, nil, "database.url: cannot open sqlite://TEXT: file is not a database"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "TEXT"), []byte("Milk, eggs and bread.\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out, faults, code := kit.Run(t, folder, c.environ, c.args...)
			if code != 1 || out != "" || !strings.HasPrefix(faults, "latchkey: "+c.want) || strings.Count(faults, "\n") != 1 {
				t.Errorf("exit %d, %s%s\nwant %s", code, out, faults, c.want)
			}
		})
	}
}

func TestAReadOnlyFolderIsNamedWithItsCure(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil { //nolint:gosec // a folder
		t.Fatal(err)
	}
	for claim, environ := range map[string][]string{"for the secret": nil, "for the database": {"APP_JWT_SECRET=" + string(settings.NewSecret())}} {
		program := kit.Command(t, folder, environ, "migrate", "up")
		if os.Geteuid() == 0 { // may write everywhere, unless it gives that up
			setpriv, err := exec.LookPath("setpriv")
			if err != nil {
				t.Skip("setpriv is not installed")
			}
			program.Path, program.Args = setpriv, append([]string{"setpriv", "--bounding-set=-dac_override", os.Args[0]}, program.Args[1:]...)
		}
		output, err := program.CombinedOutput()
		want := fmt.Sprintf("user %d may not write in the folder .: run chown %[1]d .", os.Geteuid())
		if err == nil || !strings.Contains(string(output), want) {
			t.Errorf("%s: %v, %s\nwant %s", claim, err, output, want)
		}
	}
}

func TestHealthChecksTheRunningServer(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := apptest.Launch(t, folder).Await()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	for _, address := range []string{":", "0.0.0.0:", "127.0.0.1:"} {
		if out, faults, code := kit.Run(t, folder, []string{"APP_SERVER_ADDRESS=" + address + port}, "health"); code != 0 || out != `{"status":"ok"}`+"\n" {
			t.Errorf("at %s exit %d, %s%s", address, code, out, faults)
		}
	}
	s.Signal(syscall.SIGTERM)
	s.End()
	if out, faults, code := kit.Run(t, folder, []string{"APP_SERVER_ADDRESS=:" + port}, "health"); code != 1 || out != "" || !strings.Contains(faults, "connection refused") {
		t.Errorf("without a server exit %d, %s%s", code, out, faults)
	}
}

// startRegistration sends a registration without its body. The handler runs and
// waits for the body.
func startRegistration(t *testing.T, s apptest.Server, body string) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	fmt.Fprintf(connection, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(connection)
	if status := readStatus(t, answers); status != http.StatusContinue { // sent when the handler begins to read
		t.Fatal(status)
	}
	return connection, answers
}

func readStatus(t *testing.T, answers *bufio.Reader) int {
	t.Helper()
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// awaitClosed waits until the server no longer listens.
func awaitClosed(t *testing.T, s apptest.Server) {
	t.Helper()
	kit.Await(t, "it accepts no more connections", func() bool {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

func TestAShutdownWaitsForARunningRequest(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sent.String(), func(t *testing.T) {
			folder, body := t.TempDir(), apptest.Credentials("ada@example.com")
			s := apptest.Launch(t, folder, "APP_SERVER_SHUTDOWN_TIMEOUT=1h").Await()
			running, answers := startRegistration(t, s, body)
			s.Signal(sent)
			awaitClosed(t, s)
			fmt.Fprint(running, body)
			if status := readStatus(t, answers); status != http.StatusCreated {
				t.Error(status)
			}
			if code := s.End(); code != 0 {
				t.Errorf("exit %d: %s", code, s.Printed())
			}
			apptest.Launch(t, folder).Await().Token("ada@example.com")
		})
	}
}

func TestReadyzFailsWhileRequestsAreStillServed(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s := apptest.Launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_DELAY=1h").Await()
	s.Want(200, "GET", "/readyz", "")
	s.Signal(syscall.SIGTERM)
	var answer string
	kit.Await(t, "it is no longer ready", func() bool {
		var status int
		status, answer = s.Send("GET", "/readyz", "")
		return status != http.StatusOK
	})
	if !strings.Contains(answer, "The server is about to stop") {
		t.Error(answer)
	}
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
}

func TestTheProgramEndsAfterTheShutdownDelay(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const delay = 200 * time.Millisecond
	s := apptest.Launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_DELAY="+delay.String()).Await()
	s.Want(200, "GET", "/healthz", "") // it handles signals by now
	sent := time.Now()
	s.Signal(syscall.SIGTERM)
	if code, took := s.End(), time.Since(sent); code != 0 || took < delay {
		t.Errorf("exit %d after %v: %s", code, took, s.Printed())
	}
}

func TestARequestThatNeverEndsDoesNotStopTheShutdown(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	t.Run("after the timeout", func(t *testing.T) {
		s := apptest.Launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_TIMEOUT=100ms").Await()
		startRegistration(t, s, "{}")
		s.Signal(syscall.SIGTERM)
		if code := s.End(); code != 1 || !strings.Contains(s.Printed(), "latchkey: requests still ran after 100ms: ") {
			t.Errorf("exit %d: %s", code, s.Printed())
		}
	})
	t.Run("after a second signal", func(t *testing.T) {
		s := apptest.Launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_TIMEOUT=1h").Await()
		startRegistration(t, s, "{}")
		s.Signal(syscall.SIGINT)
		awaitClosed(t, s)
		s.Signal(syscall.SIGINT)
		if code := s.End(); code != -1 {
			t.Errorf("exit %d: %s", code, s.Printed())
		}
	})
}

// inParallel calls do for each number below n, 8 at a time.
func inParallel(n int, do func(int)) {
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < n; i += 8 {
				do(i)
			}
		})
	}
	group.Wait()
}

// load is a group of clients that call a function again and again.
type load struct {
	t           *testing.T
	begun, done atomic.Int64 // calls
	enough      atomic.Bool
	clients     sync.WaitGroup
}

// startLoad starts clients, until stop or the test's first error. do gets the number of
// its call.
func startLoad(t *testing.T, clients int, do func(n int64)) *load {
	t.Helper()
	l := &load{t: t}
	for range clients {
		l.clients.Go(func() {
			for !l.enough.Load() && !t.Failed() {
				do(l.begun.Add(1))
				l.done.Add(1)
			}
		})
	}
	return l
}

// awaitMore waits until n more calls are done.
func (l *load) awaitMore(n int64) {
	l.t.Helper()
	from := l.done.Load()
	kit.Await(l.t, "more calls are done", func() bool { return l.t.Failed() || l.done.Load() >= from+n })
}

func (l *load) stop() {
	l.enough.Store(true)
	l.clients.Wait()
}

func TestAcknowledgedUsersSurviveAKill(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	folder := t.TempDir()
	s := apptest.Launch(t, folder).Await()
	const enough = 200 // other writes run when it is killed
	acknowledged := make([]bool, 100_000)
	var count atomic.Int64
	inParallel(len(acknowledged), func(i int) {
		select {
		case <-s.Ended:
		default:
			status, _ := s.Send("POST", "/register", apptest.Credentials(fmt.Sprint(i, "@example.com")))
			acknowledged[i] = status == http.StatusCreated
			if acknowledged[i] && count.Add(1) == enough {
				_ = s.Cmd.Process.Kill()
			}
		}
	})
	if code := s.End(); code != -1 {
		t.Fatalf("exit %d: %s", code, s.Printed())
	}
	var emails []string
	for i, is := range acknowledged {
		if is {
			emails = append(emails, fmt.Sprint(i, "@example.com"))
		}
	}
	if len(emails) < enough {
		t.Fatalf("only %d were acknowledged", len(emails))
	}
	s = apptest.Launch(t, folder).Await()
	inParallel(len(emails), func(i int) {
		if status, answer := s.Send("POST", "/register", apptest.Credentials(emails[i])); status != http.StatusConflict || !strings.Contains(answer, `"email_taken"`) {
			t.Errorf("%s of %d is gone: %d %s", emails[i], len(emails), status, answer)
		}
	})
}

func TestServersStartedTogetherShareADatabaseAndASecret(t *testing.T) {
	for range 5 {
		folder, database := t.TempDir(), newDatabase(t)
		all := make([]apptest.Server, 5)
		for i := range all {
			all[i] = apptest.Launch(t, folder, database)
		}
		for _, s := range all {
			s.Await()
		}
		all[0].Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
		bearer := "Bearer " + all[0].Token("ada@example.com")
		for _, s := range all {
			s.Want(200, "GET", "/protected", "", "Authorization", bearer)
			s.Signal(os.Kill)
		}
	}
}

// newDatabase sets database.url to an empty database, of PostgreSQL if apptest is
// set to use it.
func newDatabase(t *testing.T) string {
	t.Helper()
	return "APP_DATABASE_URL=" + kit.NewDatabase(t).URL
}

func TestTheLogContainsNoSecret(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			folder := t.TempDir()
			s := apptest.Launch(t, folder, "APP_LOG_LEVEL=debug", "APP_LOG_FORMAT="+format).Await()
			s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
			s.Want(409, "POST", "/register", apptest.Credentials("ada@example.com"))
			token, first := s.Tokens("/login", apptest.Credentials("ada@example.com"))
			_, second := s.Tokens("/refresh", `{"refresh_token":"`+first+`"}`)
			_, third := s.Tokens("/refresh", `{"refresh_token":"`+second+`"}`)
			signature := token[strings.LastIndex(token, ".")+1:]
			s.Want(200, "GET", "/protected?token=leaked-query", "", "Authorization", "Bearer "+token)
			s.Want(401, "GET", "/protected", "", "Authorization", "Bearer leaked-token.x.y")
			s.Want(404, "GET", "/nowhere?leaked-query", "")
			s.Want(401, "POST", "/login", `{"email":"ada@example.com","password":"leaked-typo"}`)
			s.Want(422, "POST", "/register", `{"email":"bob@example.com","password":["leaked-list"]}`)
			s.Want(422, "POST", "/register", `{"email":"bob@example.com","password":"short","leaked-field":1}`)
			s.Want(400, "POST", "/register", `{"email":"bob@example.com","password":"leaked-half`)
			s.Want(200, "POST", "/login", "username=ada@example.com&password=correct+horse", "Content-Type", "application/x-www-form-urlencoded")
			s.Want(401, "POST", "/refresh", `{"refresh_token":"leaked-token"}`)
			s.Want(401, "POST", "/refresh", `{"refresh_token":"`+first+`"}`) // a theft
			s.Signal(syscall.SIGTERM)
			s.End()
			secret, err := os.ReadFile(filepath.Join(folder, "data", "jwt_secret"))
			if err != nil || len(secret) != 43 || len(signature) != 43 {
				t.Fatalf("%v, %s, %s", err, secret, signature)
			}
			log := s.Printed()
			for _, leak := range []string{apptest.Password, "correct+horse", token, signature, first, second, third, string(secret), "$2a$", "leaked"} {
				if strings.Contains(log, leak) {
					t.Errorf("%s is in the log:\n%s", leak, log)
				}
			}
			for _, words := range []string{"/protected", "INSERT INTO", "SELECT", "a refresh token was used twice", "/nowhere", "stopped"} {
				if !strings.Contains(log, words) {
					t.Errorf("%s is not in the log:\n%s", words, log)
				}
			}
		})
	}
}
