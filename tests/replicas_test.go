package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/apptest/postgres"
	"example.com/latchkey/kit/settings"
)

// replicas are servers with one PostgreSQL database, and a proxy that sends each
// request to the next of them.
type replicas struct {
	proxy apptest.Server
	each  []apptest.Server
	busy  []sync.RWMutex // locked for reading by each request that a replica answers
	url   string         // of their database
}

func startReplicas(t *testing.T, n int, environ ...string) replicas {
	t.Helper()
	if !kit.OnPostgreSQL() {
		t.Skip("this is for PostgreSQL only")
	}
	return startReplicasOn(t, kit.NewDatabase(t).URL, n, environ...)
}

func startReplicasOn(t *testing.T, databaseURL string, n int, environ ...string) replicas {
	t.Helper()
	return startVersion(t, os.Args[0], databaseURL, n, environ...)
}

// startVersion starts replicas of the program at path.
func startVersion(t *testing.T, path, databaseURL string, n int, environ ...string) replicas {
	t.Helper()
	r, folder := replicas{url: databaseURL, busy: make([]sync.RWMutex, n)}, t.TempDir()
	environ = append(environ, "APP_DATABASE_URL="+databaseURL)
	for range n {
		program := kit.Command(t, folder, slices.Concat(apptest.Environ, environ))
		program.Path = path
		r.each = append(r.each, apptest.Server{Server: kit.Launch(t, program)})
	}
	for _, s := range r.each {
		s.Await()
	}
	var turn atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		i := int(turn.Add(1)) % n
		for !r.busy[i].TryRLock() { // it is being replaced
			i = int(turn.Add(1)) % n
		}
		defer r.busy[i].RUnlock()
		to, _ := url.Parse(r.each[i].URL)
		(&httputil.ReverseProxy{
			Rewrite: func(request *httputil.ProxyRequest) { request.SetURL(to) },
			ErrorHandler: func(w http.ResponseWriter, request *http.Request, _ error) {
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprint(w, "http://", request.URL.Host) //nolint:gosec // only this test reads it
			},
			ErrorLog: log.New(io.Discard, "", 0),
		}).ServeHTTP(w, request)
	}))
	t.Cleanup(proxy.Close)
	r.proxy = apptest.Server{Server: kit.At(t, proxy.URL)}
	return r
}

// replace stops a replica that has no more requests, and starts another.
func (r replicas) replace(t *testing.T, i int, start func() apptest.Server) {
	t.Helper()
	r.busy[i].Lock()
	defer r.busy[i].Unlock()
	r.each[i].Signal(syscall.SIGTERM)
	if code := r.each[i].End(); code != 0 {
		t.Errorf("exit %d: %s", code, r.each[i].Printed())
	}
	r.each[i] = start()
}

// underLoad runs steps while users sign in, stay signed in and sign out. Each step is
// followed by 20 of them.
func (r replicas) underLoad(t *testing.T, steps ...func()) {
	t.Helper()
	users := startLoad(t, 8, func(n int64) {
		email := apptest.Credentials(fmt.Sprintf("%d-%d@example.com", n, time.Now().UnixNano()))
		r.proxy.Want(201, "POST", "/register", email)
		_, refresh := r.proxy.Tokens("/login", email)
		access, _ := r.proxy.Tokens("/refresh", `{"refresh_token":"`+refresh+`"}`)
		for _, path := range []string{"/me", "/sessions"} {
			r.proxy.Want(200, "GET", path, "", "Authorization", "Bearer "+access)
		}
		r.proxy.Want(204, "POST", "/logout", "", "Authorization", "Bearer "+access)
	})
	defer users.stop()
	for _, step := range append([]func(){func() {}}, steps...) {
		step()
		users.awaitMore(20)
	}
}

// awaitRevoked waits until every replica refuses a token as revoked.
func (r replicas) awaitRevoked(t *testing.T, bearer string) {
	t.Helper()
	for i, s := range r.each {
		kit.Await(t, fmt.Sprint("refused by replica ", i), func() bool {
			status, answer := s.Send("GET", "/me", "", "Authorization", bearer)
			return status == http.StatusUnauthorized && strings.Contains(answer, "token_revoked")
		})
	}
}

// cache sends a request to every replica, so that each caches the session.
func (r replicas) cache(bearer string) {
	for _, s := range r.each {
		s.Want(200, "GET", "/me", "", "Authorization", bearer)
	}
}

// exec changes the database without the replicas.
func (r replicas) exec(t *testing.T, statement string) {
	t.Helper()
	kit.Exec(t, r.url, statement)
}

func TestRefreshTokensWorkOnEveryReplica(t *testing.T) {
	r := startReplicas(t, 3, shortLag, "APP_JWT_REFRESH_GRACE=1h")
	r.proxy.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	_, first := r.proxy.Tokens("/login", apptest.Credentials("ada@example.com"))
	var mu sync.Mutex
	got := map[string]int{}
	inParallel(24, func(int) {
		_, next := r.proxy.Tokens("/refresh", `{"refresh_token":"`+first+`"}`)
		mu.Lock()
		defer mu.Unlock()
		got[next]++
	})
	if len(got) != 1 {
		t.Errorf("concurrent refreshes returned %d different tokens", len(got))
	}
	var access, refresh string
	for next := range got {
		access, refresh = r.proxy.Tokens("/refresh", `{"refresh_token":"`+next+`"}`)
	}
	r.cache("Bearer " + access)
	if answer := r.proxy.Want(401, "POST", "/refresh", `{"refresh_token":"`+first+`"}`); !strings.Contains(answer, "token_revoked") {
		t.Error(answer)
	}
	r.awaitRevoked(t, "Bearer "+access)
	for _, s := range r.each {
		s.Want(401, "POST", "/refresh", `{"refresh_token":"`+refresh+`"}`)
	}
}

// shortLag lets replicas cache a session, and its test end soon.
const shortLag = "APP_JWT_REVOCATION_LAG=200ms"

func TestEveryReplicaSeesARevocationAfterTheLag(t *testing.T) {
	r := startReplicas(t, 3, shortLag)
	r.proxy.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	login := func() string { return "Bearer " + r.each[1].Token("ada@example.com") }
	for claim, end := range map[string]func(bearer string){
		"a logout":           func(bearer string) { r.each[0].Want(204, "POST", "/logout", "", "Authorization", bearer) },
		"a statement in SQL": func(string) { r.exec(t, "UPDATE sessions SET revoked_at = now(), revoked_reason = 'admin'") },
		"the command line": func(string) {
			if _, faults, code := kit.Run(t, t.TempDir(), []string{"APP_DATABASE_URL=" + r.url}, "user", "disable", "ada@example.com"); code != 0 {
				t.Error(faults)
			}
		},
	} {
		t.Run(claim, func(t *testing.T) {
			r.exec(t, "UPDATE users SET disabled = false")
			bearer := login()
			r.cache(bearer)
			end(bearer)
			r.awaitRevoked(t, bearer)
		})
	}
}

// These are the first and the last step of docs/scaling.md: what a later version adds, and
// what it drops because no version reads it.
func TestAnOlderVersionWorksAfterAMigration(t *testing.T) {
	r := startReplicas(t, 2)
	r.underLoad(t, func() {
		r.exec(t, "ALTER TABLE users ADD COLUMN phone TEXT, ADD COLUMN score INTEGER NOT NULL DEFAULT 0")
		r.exec(t, "ALTER TABLE sessions ADD COLUMN place TEXT")
		r.exec(t, "CREATE INDEX CONCURRENTLY phones ON users (phone)")
	}, func() {
		r.exec(t, "ALTER TABLE sessions DROP COLUMN place")
		r.exec(t, "ALTER TABLE users DROP COLUMN phone, DROP COLUMN score")
	})
}

// TEST_UPGRADE_FROM is the path of an earlier version, which make test-upgrade builds.
func TestReplicasAreUpgradedOneByOneUnderLoad(t *testing.T) {
	before := os.Getenv("TEST_UPGRADE_FROM")
	if before == "" || !kit.OnPostgreSQL() {
		t.Skip("this is for make test-upgrade")
	}
	folder, databaseURL := t.TempDir(), kit.NewDatabase(t).URL
	secret := "APP_JWT_SECRET=" + string(settings.NewSecret())
	r := startVersion(t, before, databaseURL, 3, secret)
	r.proxy.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	access, refresh := make([]string, 20), make([]string, 20)
	for i := range access {
		access[i], refresh[i] = r.proxy.Tokens("/login", apptest.Credentials("ada@example.com"))
	}
	var steps []func()
	for i := range r.each {
		steps = append(steps, func() {
			r.replace(t, i, func() apptest.Server {
				return apptest.Launch(t, folder, secret, "APP_DATABASE_URL="+databaseURL).Await()
			})
		})
	}
	r.underLoad(t, steps...)
	for i := range access {
		r.proxy.Want(200, "GET", "/me", "", "Authorization", "Bearer "+access[i])
		r.proxy.Tokens("/refresh", `{"refresh_token":"`+refresh[i]+`"}`)
	}
}

func TestNoAcknowledgedUserIsLostWithAReplica(t *testing.T) {
	r := startReplicas(t, 3)
	var mu sync.Mutex
	var acknowledged []string
	lost, last := 0, 0             // last is how many were acknowledged when the first was lost
	const before, after = 100, 100 // users before and after the kill
	inParallel(100_000, func(i int) {
		mu.Lock()
		enough := lost > 0 && len(acknowledged) >= last+after
		mu.Unlock()
		if enough {
			return
		}
		email := fmt.Sprint(i, "@example.com")
		status, answer := r.proxy.Send("POST", "/register", apptest.Credentials(email))
		mu.Lock()
		defer mu.Unlock()
		switch {
		case status == http.StatusCreated:
			if acknowledged = append(acknowledged, email); len(acknowledged) == before {
				_ = r.each[1].Cmd.Process.Kill()
			}
		case status == http.StatusBadGateway && answer == r.each[1].URL:
			if lost++; lost == 1 {
				last = len(acknowledged)
			}
		default:
			t.Errorf("%d %s", status, answer)
		}
	})
	if lost == 0 || last < before {
		t.Errorf("%d were lost, %d acknowledged", lost, len(acknowledged))
	}
	inParallel(len(acknowledged), func(i int) {
		if status, answer := r.each[2].Send("POST", "/register", apptest.Credentials(acknowledged[i])); status != http.StatusConflict {
			t.Errorf("%s is gone: %d %s", acknowledged[i], status, answer)
		}
	})
}

func TestReplicasSurviveARestartOfPostgreSQL(t *testing.T) {
	if !kit.OnPostgreSQL() {
		t.Skip("this is for PostgreSQL only")
	}
	own, err := postgres.Start("-c fsync=off")
	if err != nil {
		t.Skip(err) // without PostgreSQL here; a shared server must not be restarted
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	r := startReplicasOn(t, own.URL, 2, shortLag, "APP_JWT_REFRESH_GRACE=1h")
	var mu sync.Mutex
	seen := map[int]int{}
	unexpected := ""
	var enough atomic.Bool
	var registered atomic.Int64
	var users sync.WaitGroup
	for i := range 8 {
		email := fmt.Sprint(i, "@example.com")
		r.proxy.Want(201, "POST", "/register", apptest.Credentials(email))
		access, refresh := r.proxy.Tokens("/login", apptest.Credentials(email))
		users.Go(func() {
			send := func(path, body string) (answer string) {
				method := map[bool]string{true: "GET", false: "POST"}[body == ""]
				status, answer := r.proxy.Send(method, path, body, "Authorization", "Bearer "+access)
				mu.Lock()
				defer mu.Unlock()
				if seen[status]++; status >= 300 && status != http.StatusServiceUnavailable {
					unexpected = fmt.Sprint(path, status, answer)
				}
				return answer
			}
			for !enough.Load() {
				send("/me", "")
				send("/register", apptest.Credentials(fmt.Sprint(registered.Add(1), "@example.org")))
				send("/login", apptest.Credentials(email))
				var next struct {
					RefreshToken string `json:"refresh_token"`
				}
				err := json.Unmarshal([]byte(send("/refresh", `{"refresh_token":"`+refresh+`"}`)), &next)
				if err == nil && next.RefreshToken != "" {
					refresh = next.RefreshToken
				}
			}
		})
	}
	awaitAnswers := func(status, times int) {
		t.Helper()
		mu.Lock()
		since := seen[status]
		mu.Unlock()
		kit.Await(t, fmt.Sprint(times, " more answers of ", status), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return seen[status] >= since+times
		})
	}
	awaitAnswers(http.StatusCreated, 20)
	if err := own.Halt(); err != nil {
		t.Error(err)
	}
	awaitAnswers(http.StatusServiceUnavailable, 20)
	for _, s := range r.each {
		s.Want(503, "GET", "/readyz", "")
		s.Want(200, "GET", "/healthz", "")
	}
	if err := own.Resume(); err != nil {
		t.Error(err)
	}
	for _, s := range r.each {
		kit.Await(t, "it is ready again", func() bool {
			status, _ := s.Send("GET", "/readyz", "")
			return status == http.StatusOK
		})
	}
	awaitAnswers(http.StatusCreated, 20)
	enough.Store(true)
	users.Wait()
	if unexpected != "" {
		t.Errorf("answered %v, such as %s", seen, unexpected)
	}
	t.Logf("answered %v", seen)
	bearer := "Bearer " + r.proxy.Token("1@example.com")
	r.cache(bearer)
	r.each[0].Want(204, "POST", "/logout", "", "Authorization", bearer)
	r.awaitRevoked(t, bearer)
}
