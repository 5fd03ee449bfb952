package commands_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	"example.com/latchkey/commands"
	"example.com/latchkey/config"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/routes"
)

// asProgram is the variable that makes the test's binary run as the program.
const asProgram = "TEST_AS_PROGRAM=1"

func TestMain(m *testing.M) {
	if slices.Contains(os.Environ(), asProgram) {
		os.Exit(commands.Run())
	}
	os.Exit(kit.Main(m))
}

// command is the program in a folder, with no APP_ variables except those of environ.
func command(t *testing.T, folder string, environ []string, args ...string) *exec.Cmd {
	inherited := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "APP_") })
	program := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // the test itself
	program.Dir, program.Env = folder, slices.Concat(inherited, []string{asProgram}, environ)
	return program
}

// run runs the program to its end.
func run(t *testing.T, folder string, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, faults bytes.Buffer
	program := command(t, folder, environ, args...)
	program.Stdout, program.Stderr = &out, &faults
	if err := program.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), faults.String(), program.ProcessState.ExitCode()
}

// server is the program that runs, until it or the test ends.
type server struct {
	t     *testing.T
	run   *exec.Cmd
	log   string // the file with its output
	ended chan struct{}
	url   string

	client http.Client
}

// launch starts a server with fast hashing, and with long timeouts for slow
// machines. await waits until it listens.
func launch(t *testing.T, folder string, environ ...string) *server {
	t.Helper()
	return launchProgram(t, os.Args[0], folder, append([]string{"APP_REGISTER_OPEN=true"}, environ...)...)
}

// launchProgram is launch for the program of another version.
func launchProgram(t *testing.T, path, folder string, environ ...string) *server {
	t.Helper()
	program := command(t, folder, append([]string{
		"APP_SERVER_ADDRESS=127.0.0.1:0", "APP_PASSWORD_BCRYPT_COST=4",
		"APP_PASSWORD_MAX_WAIT=1h", "APP_DATABASE_STATEMENT_TIMEOUT=1h", "APP_DATABASE_LOCK_TIMEOUT=1h",
		"APP_LOGIN_MAX_FAILURES=1000000", // a test is one client
	}, environ...))
	program.Path = path
	return background(t, program)
}

// background starts the program, and keeps what it prints.
func background(t *testing.T, program *exec.Cmd) *server {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &server{t: t, run: program, log: log.Name(), ended: make(chan struct{})}
	s.run.Stdout, s.run.Stderr = log, log
	s.start()
	return s
}

func (s *server) start() {
	s.t.Helper()
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = s.run.Wait() // ProcessState has the exit code
		close(s.ended)
	}()
	s.t.Cleanup(func() { <-s.ended }) // the test's context kills it
}

var listening = regexp.MustCompile(`listening\W.*(http://127\.0\.0\.1:\d+)`)

func (s *server) await() *server {
	s.t.Helper()
	kit.Await(s.t, "it listens", func() bool {
		if found := listening.FindStringSubmatch(s.printed()); found != nil {
			s.url = found[1]
			return true
		}
		select {
		case <-s.ended:
			s.t.Fatalf("ended with %d: %s", s.run.ProcessState.ExitCode(), s.printed())
		default:
		}
		return false
	})
	return s
}

func (s *server) printed() string {
	s.t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *server) signal(sent os.Signal) {
	s.t.Helper()
	if err := s.run.Process.Signal(sent); err != nil {
		s.t.Fatal(err)
	}
}

// end waits until the program ends and returns its exit code, -1 after a kill.
func (s *server) end() int {
	s.t.Helper()
	kit.Receive(s.t, "it ends", s.ended)
	return s.run.ProcessState.ExitCode()
}

// send sends a JSON request, and returns status 0 if no answer comes.
func (s *server) send(method, path, body string, headers ...string) (status int, answer string) {
	response, answer, err := s.exchange(method, path, body, headers...) //nolint:bodyclose // exchange closes it
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, answer
}

// exchange is send with the headers of the answer.
func (s *server) exchange(method, path, body string, headers ...string) (response *http.Response, answer string, err error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err = s.client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response, string(read), err
}

const password = "correct horse"

func credentials(email string) string {
	return `{"email":"` + email + `","password":"` + password + `"}`
}

// want sends a request and fails the test unless its answer has the status.
func (s *server) want(status int, method, path, body string, headers ...string) (answer string) {
	s.t.Helper()
	got, answer := s.send(method, path, body, headers...)
	if got != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, answer)
	}
	return answer
}

func (s *server) token(email string) string {
	s.t.Helper()
	access, _ := s.tokens("/login", credentials(email))
	return access
}

// tokens returns the tokens of a login or a refresh.
func (s *server) tokens(path, body string) (access, refresh string) {
	s.t.Helper()
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(s.want(200, "POST", path, body)), &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.AccessToken, answer.RefreshToken
}

func TestRoutesListsWhoMayCallEachRoute(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, _, code := run(t, t.TempDir(), nil, "routes")
	lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
	table := routes.App{Settings: config.Defaults()}.Table()
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
	first, _, _ := run(t, folder, nil, "secret")
	second, _, _ := run(t, folder, nil, "secret")
	if first == second {
		t.Error("the same secret twice")
	}
	out, faults, code := run(t, folder, []string{"APP_ENVIRONMENT=production", "APP_JWT_SECRET=" + strings.TrimSpace(first)}, "config", "check")
	if code != 0 || out != "The settings are good.\n" || faults != "" {
		t.Errorf("exit %d, %s%s", code, out, faults)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Errorf("it wrote files: %v, %v", files, err)
	}
}

func TestConfigCheckReportsAllFaults(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, faults, code := run(t, t.TempDir(), []string{"APP_LOG_LEVEL=loud", "APP_LOG_FORMAT=xml"}, "config", "check")
	want := "latchkey: 2 settings are wrong:\n" +
		"  log.level: \"loud\" is not one of debug, info, warn and error\n" +
		"  log.format: \"xml\" is neither text nor json\n"
	if code != 1 || out != "" || faults != want {
		t.Errorf("exit %d, %q, %s", code, out, faults)
	}
}

func TestVersionShowsTheGoVersion(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	out, _, code := run(t, t.TempDir(), nil, "--version")
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
			out, faults, code := run(t, folder, c.environ, c.args...)
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
		program := command(t, folder, environ, "migrate", "up")
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
	s := launch(t, folder).await()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	for _, address := range []string{":", "0.0.0.0:", "127.0.0.1:"} {
		if out, faults, code := run(t, folder, []string{"APP_SERVER_ADDRESS=" + address + port}, "health"); code != 0 || out != `{"status":"ok"}`+"\n" {
			t.Errorf("at %s exit %d, %s%s", address, code, out, faults)
		}
	}
	s.signal(syscall.SIGTERM)
	s.end()
	if out, faults, code := run(t, folder, []string{"APP_SERVER_ADDRESS=:" + port}, "health"); code != 1 || out != "" || !strings.Contains(faults, "connection refused") {
		t.Errorf("without a server exit %d, %s%s", code, out, faults)
	}
}

// startRegistration sends a registration without its body. The handler runs and
// waits for the body.
func (s *server) startRegistration(body string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	connection, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = connection.Close() })
	fmt.Fprintf(connection, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(connection)
	if status := readStatus(s.t, answers); status != http.StatusContinue { // sent when the handler begins to read
		s.t.Fatal(status)
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
func (s *server) awaitClosed() {
	s.t.Helper()
	kit.Await(s.t, "it accepts no more connections", func() bool {
		connection, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
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
			folder, body := t.TempDir(), credentials("ada@example.com")
			s := launch(t, folder, "APP_SERVER_SHUTDOWN_TIMEOUT=1h").await()
			running, answers := s.startRegistration(body)
			s.signal(sent)
			s.awaitClosed()
			fmt.Fprint(running, body)
			if status := readStatus(t, answers); status != http.StatusCreated {
				t.Error(status)
			}
			if code := s.end(); code != 0 {
				t.Errorf("exit %d: %s", code, s.printed())
			}
			launch(t, folder).await().token("ada@example.com")
		})
	}
}

func TestReadyzFailsWhileRequestsAreStillServed(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s := launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_DELAY=1h").await()
	s.want(200, "GET", "/readyz", "")
	s.signal(syscall.SIGTERM)
	var answer string
	kit.Await(t, "it is no longer ready", func() bool {
		var status int
		status, answer = s.send("GET", "/readyz", "")
		return status != http.StatusOK
	})
	if !strings.Contains(answer, "The server is about to stop") {
		t.Error(answer)
	}
	s.want(201, "POST", "/register", credentials("ada@example.com"))
}

func TestTheProgramEndsAfterTheShutdownDelay(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const delay = 200 * time.Millisecond
	s := launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_DELAY="+delay.String()).await()
	s.want(200, "GET", "/healthz", "") // it handles signals by now
	sent := time.Now()
	s.signal(syscall.SIGTERM)
	if code, took := s.end(), time.Since(sent); code != 0 || took < delay {
		t.Errorf("exit %d after %v: %s", code, took, s.printed())
	}
}

func TestARequestThatNeverEndsDoesNotStopTheShutdown(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	t.Run("after the timeout", func(t *testing.T) {
		s := launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_TIMEOUT=100ms").await()
		s.startRegistration("{}")
		s.signal(syscall.SIGTERM)
		if code := s.end(); code != 1 || !strings.Contains(s.printed(), "latchkey: requests still ran after 100ms: ") {
			t.Errorf("exit %d: %s", code, s.printed())
		}
	})
	t.Run("after a second signal", func(t *testing.T) {
		s := launch(t, t.TempDir(), "APP_SERVER_SHUTDOWN_TIMEOUT=1h").await()
		s.startRegistration("{}")
		s.signal(syscall.SIGINT)
		s.awaitClosed()
		s.signal(syscall.SIGINT)
		if code := s.end(); code != -1 {
			t.Errorf("exit %d: %s", code, s.printed())
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
	s := launch(t, folder).await()
	const enough = 200 // other writes run when it is killed
	acknowledged := make([]bool, 100_000)
	var count atomic.Int64
	inParallel(len(acknowledged), func(i int) {
		select {
		case <-s.ended:
		default:
			status, _ := s.send("POST", "/register", credentials(fmt.Sprint(i, "@example.com")))
			acknowledged[i] = status == http.StatusCreated
			if acknowledged[i] && count.Add(1) == enough {
				_ = s.run.Process.Kill()
			}
		}
	})
	if code := s.end(); code != -1 {
		t.Fatalf("exit %d: %s", code, s.printed())
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
	s = launch(t, folder).await()
	inParallel(len(emails), func(i int) {
		if status, answer := s.send("POST", "/register", credentials(emails[i])); status != http.StatusConflict || !strings.Contains(answer, `"email_taken"`) {
			t.Errorf("%s of %d is gone: %d %s", emails[i], len(emails), status, answer)
		}
	})
}

func TestServersStartedTogetherShareADatabaseAndASecret(t *testing.T) {
	for range 5 {
		folder, database := t.TempDir(), newDatabase(t)
		all := make([]*server, 5)
		for i := range all {
			all[i] = launch(t, folder, database)
		}
		for _, s := range all {
			s.await()
		}
		all[0].want(201, "POST", "/register", credentials("ada@example.com"))
		bearer := "Bearer " + all[0].token("ada@example.com")
		for _, s := range all {
			s.want(200, "GET", "/protected", "", "Authorization", bearer)
			s.signal(os.Kill)
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
			s := launch(t, folder, "APP_LOG_LEVEL=debug", "APP_LOG_FORMAT="+format).await()
			s.want(201, "POST", "/register", credentials("ada@example.com"))
			s.want(409, "POST", "/register", credentials("ada@example.com"))
			token, first := s.tokens("/login", credentials("ada@example.com"))
			_, second := s.tokens("/refresh", `{"refresh_token":"`+first+`"}`)
			_, third := s.tokens("/refresh", `{"refresh_token":"`+second+`"}`)
			signature := token[strings.LastIndex(token, ".")+1:]
			s.want(200, "GET", "/protected?token=leaked-query", "", "Authorization", "Bearer "+token)
			s.want(401, "GET", "/protected", "", "Authorization", "Bearer leaked-token.x.y")
			s.want(404, "GET", "/nowhere?leaked-query", "")
			s.want(401, "POST", "/login", `{"email":"ada@example.com","password":"leaked-typo"}`)
			s.want(422, "POST", "/register", `{"email":"bob@example.com","password":["leaked-list"]}`)
			s.want(422, "POST", "/register", `{"email":"bob@example.com","password":"short","leaked-field":1}`)
			s.want(400, "POST", "/register", `{"email":"bob@example.com","password":"leaked-half`)
			s.want(200, "POST", "/login", "username=ada@example.com&password=correct+horse", "Content-Type", "application/x-www-form-urlencoded")
			s.want(401, "POST", "/refresh", `{"refresh_token":"leaked-token"}`)
			s.want(401, "POST", "/refresh", `{"refresh_token":"`+first+`"}`) // a theft
			s.signal(syscall.SIGTERM)
			s.end()
			secret, err := os.ReadFile(filepath.Join(folder, "data", "jwt_secret"))
			if err != nil || len(secret) != 43 || len(signature) != 43 {
				t.Fatalf("%v, %s, %s", err, secret, signature)
			}
			log := s.printed()
			for _, leak := range []string{password, "correct+horse", token, signature, first, second, third, string(secret), "$2a$", "leaked"} {
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
