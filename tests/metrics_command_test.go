package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
)

var servingMetrics = regexp.MustCompile(`serving metrics\W.*(http://127\.0\.0\.1:\d+)`)

// launchMeasured starts a server with metrics. metrics is the same server with the URL
// of its metrics.
func launchMeasured(t *testing.T, environ ...string) (s, metrics apptest.Server) {
	t.Helper()
	s = apptest.Launch(t, t.TempDir(), append(environ, "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")...).Await()
	other := *s.Server
	other.URL = servingMetrics.FindStringSubmatch(s.Printed())[1]
	return s, apptest.Server{Server: &other}
}

// use makes requests with answers of several kinds.
func use(t *testing.T, s apptest.Server) {
	t.Helper()
	const form = "application/x-www-form-urlencoded"
	s.Want(401, "POST", "/login", `{"email":"ada@example.com","password":"wrong"}`)
	s.Want(200, "POST", "/login", "username=ada@example.com&password=correct+horse", "Content-Type", form)
	bearer := "Bearer " + s.Token("ada@example.com")
	s.Want(200, "GET", "/protected", "", "Authorization", bearer)
	s.Want(401, "GET", "/protected?a=query", "")
	for i := range 2 {
		s.Want(404, "DELETE", fmt.Sprint("/sessions/01900000-0000-7000-8000-00000000000", i), "", "Authorization", bearer)
		s.Want(404, "GET", fmt.Sprint("/nowhere/", i), "")
		s.Want(405, fmt.Sprint("BREW", i), "/protected", "")
	}
}

func TestMetricsCountRequestsAndTheStateOfTheProcess(t *testing.T) {
	database := kit.NewDatabase(t).URL
	s, metrics := launchMeasured(t, "APP_DATABASE_URL="+database)
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	use(t, s)
	kit.Exec(t, database, "INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) VALUES "+
		"('01900000-0000-7000-8000-000000000001', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', NULL, 15, 'no route to host'), "+
		"('01900000-0000-7000-8000-000000000002', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', '2026-11-25 12:00:00+00:00', 1, 'no route to host'), "+ // which no server knows
		"('01900000-0000-7000-8000-000000000003', '2026-11-25 12:00:00+00:00', 'of a fork', '{}', '2099-01-02 03:04:05+00:00', 2, '')")
	var scrape string
	kit.Await(t, "jobs of the program itself have ended, and the unknown one is not overdue", func() bool {
		scrape = metrics.Want(200, "GET", "/metrics", "")
		return strings.Contains(scrape, "\njobs{state=\"running\"} 1\n") && strings.Contains(scrape, "\njobs_overdue_seconds 0\n")
	})
	for _, line := range []string{
		`http_request_duration_seconds_count{code="201",method="POST",route="/register"} 1`,
		`http_request_duration_seconds_count{code="200",method="GET",route="/protected"} 1`,
		`http_request_duration_seconds_count{code="401",method="GET",route="/protected"} 1`,
		`http_request_duration_seconds_count{code="404",method="DELETE",route="/sessions/:id"} 2`,
		`http_request_duration_seconds_count{code="404",method="GET",route="none"} 2`,
		`http_request_duration_seconds_count{code="405",method="other",route="none"} 2`,
		`logins_total{result="login_failed"} 1`,
		`logins_total{result="success"} 2`,
		`password_hashes_refused_total 0`,
		`password_hashes_running 0`,
		`password_hashes_waiting 0`,
		`sessions_cached 1`,
		`jobs{state="failed"} 1`,
		`jobs{state="waiting"} \d+`,
		`jobs{state="unknown"} 1`,
		`go_sql_max_open_connections{db_name="\w+"} [1-9]\d*`,
		`go_goroutines \d+`,
		`go_build_info{.*} 1`,
		`process_resident_memory_bytes .*`,
	} {
		if !regexp.MustCompile("(?m)^" + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line) + "$").MatchString(scrape) {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(scrape)
	}
	promtool(t, scrape, "check", "metrics")
}

func TestMetricsAndProfilesAreOnTheirOwnListenerOnly(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s, metrics := launchMeasured(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/trace?seconds=0.01"} {
		metrics.Want(200, "GET", path, "")
		s.Want(404, "GET", path, "")
	}
	metrics.Want(404, "GET", "/protected", "")
	if plain := apptest.Launch(t, t.TempDir()).Await().Printed(); servingMetrics.MatchString(plain) {
		t.Errorf("metrics without their address: %s", plain)
	}
}

func TestMetricsTellWhatTheyCanWhileTheDatabaseIsAway(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	s, metrics := launchMeasured(t)
	if err := os.Rename(filepath.Join(s.Cmd.Dir, "data"), filepath.Join(s.Cmd.Dir, "away")); err != nil {
		t.Fatal(err)
	}
	if scrape := metrics.Want(200, "GET", "/metrics", ""); !strings.Contains(scrape, "\ngo_goroutines ") || strings.Contains(scrape, "\njobs{") {
		t.Error(scrape)
	}
	kit.Await(t, "the log has the cause", func() bool { return strings.Contains(s.Printed(), "was deleted or replaced") })
}

// needs skips a test if a program is not installed, but not in CI.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "" {
		t.Skip(program + " is not installed")
	}
}

func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	needs(t, "promtool")
	check := exec.CommandContext(t.Context(), "promtool", args...) //nolint:gosec // the test's own arguments
	check.Stdin = strings.NewReader(input)
	if out, err := check.CombinedOutput(); err != nil || strings.Contains(string(out), "FAILED") {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

const rules = "../parts/metrics/deploy/prometheus-rules.yaml"

func TestTheAlertsFireWhenTheyShould(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	promtool(t, "", "check", "rules", rules)
	promtool(t, "", "test", "rules", "../parts/metrics/deploy/prometheus-rules.test.yaml")
}

// queries returns the queries of the dashboard, for a range of a minute.
func queries(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../parts/metrics/deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, strings.NewReplacer("$__rate_interval", "1m", "$job", "latchkey").Replace(target.Expr))
		}
	}
	return all
}

func TestPrometheusAnswersEveryQueryOfTheDashboard(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	needs(t, "prometheus")
	s, metrics := launchMeasured(t)
	s.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
	prometheus := kit.At(t, startPrometheus(t, strings.TrimPrefix(metrics.URL, "http://")))
	left := queries(t)
	if len(left) < 20 {
		t.Fatalf("the dashboard has only the queries %q", left)
	}
	kit.Await(t, "every query has a result", func() bool {
		use(t, s)
		left = slices.DeleteFunc(left, func(query string) bool {
			status, answer := prometheus.Send("GET", "/api/v1/query?query="+url.QueryEscape(query), "")
			if status == http.StatusBadRequest {
				t.Fatalf("%s: %s", query, answer)
			}
			return regexp.MustCompile(`"value":\[[0-9.]+,"[0-9]`).MatchString(answer) // and not NaN
		})
		return len(left) == 0
	})
	kit.Await(t, "every rule is evaluated", func() bool {
		return strings.Count(prometheus.Want(200, "GET", "/api/v1/rules", ""), `"health":"ok"`) == 5
	})
}

// startPrometheus returns the URL of a Prometheus that asks the target many times a
// second.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	folder := t.TempDir()
	absolute, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "prometheus.yml")
	text := "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\nrule_files: [" + absolute + "]\n" +
		"scrape_configs: [{job_name: latchkey, static_configs: [{targets: ['" + target + "']}]}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	program := exec.CommandContext(t.Context(), "prometheus", "--config.file="+file, "--storage.tsdb.path="+folder, "--web.listen-address="+address, "--scrape.discovery-reload-interval=100ms") //nolint:gosec // as above
	var log strings.Builder
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	kit.Await(t, "Prometheus is ready", func() bool {
		answer, err := http.Get("http://" + address + "/-/ready") //nolint:noctx // of this machine
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err == nil && answer.StatusCode == http.StatusOK
	})
	return "http://" + address
}
