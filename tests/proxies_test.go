//go:build linux

package tests

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
)

// webClient is the address from which the tests connect to a proxy. All of 127.0.0.0/8 is
// this machine (on Linux), and only 127.0.0.1 is a trusted proxy.
const webClient = "127.0.0.2"

// proxies are the proxies of docs/deploy.md: how a site of the page becomes a
// configuration for a test, and the arguments with which the program runs it.
var proxies = map[string]struct {
	configure func(site, port, folder string) string
	arguments []string
}{
	"nginx": {func(site, port, folder string) string {
		site = replace(site, "listen 443", "listen 127.0.0.1:"+port, "/etc/ssl/api.example.com.pem", folder+"/cert.pem", "/etc/ssl/private/api.example.com.pem", folder+"/key.pem")
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			site += kind + "_temp_path " + folder + "/" + kind + ";\n"
		}
		return "daemon off; user root; pid " + folder + "/pid; events {} http { access_log off;\n" + site + "}\n"
	}, []string{"-e", "stderr", "-c"}},
	"caddy": {func(site, port, folder string) string {
		site = replace(site, "api.example.com {", "https://api.example.com:"+port+" {\nbind 127.0.0.1\ntls "+folder+"/cert.pem "+folder+"/key.pem")
		return "{\nadmin off\nauto_https off\nstorage file_system " + folder + "\n}\n" + site
	}, []string{"run", "--adapter", "caddyfile", "--config"}},
}

// sites returns the configurations of the page for a program. The second one removes a
// prefix.
func sites(t *testing.T, name string) (plain, strips string) {
	t.Helper()
	page, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```"+name+"\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(found) != 2 {
		t.Fatalf("docs/deploy.md has %d configurations of %s", len(found), name)
	}
	plain, strips = found[0][1], found[1][1]
	if location := regexp.MustCompile(`(?s)    location / .*?\n    }\n`); location.MatchString(plain) {
		strips = location.ReplaceAllLiteralString(plain, strips)
	}
	return plain, strips
}

// replace replaces pairs of texts, which must be there.
func replace(text string, pairs ...string) string {
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(text, pair[0]) {
			panic("docs/deploy.md has no " + pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	return text
}

// startProxy runs nginx or Caddy in front of two servers, until the test ends.
func startProxy(t *testing.T, name, site string, upstreams ...string) apptest.Server {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(name + " is not installed")
	}
	free, listenErr := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err := errors.Join(err, listenErr); err != nil {
		t.Fatal(err)
	}
	address, folder := free.Addr().String(), t.TempDir()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(address)
	site = replace(site, "127.0.0.1:8080", strings.TrimPrefix(upstreams[0], "http://"), "127.0.0.1:8081", strings.TrimPrefix(upstreams[1], "http://"))

	config := filepath.Join(folder, "config")
	if err := os.WriteFile(config, []byte(proxies[name].configure(site, port, folder)), 0o600); err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), program, append(proxies[name].arguments, config)...) //nolint:gosec // nginx or Caddy
	process.Env = append(os.Environ(), "HOME="+folder)
	if name == "nginx" {
		process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) } // which ends its workers too
	}
	client := http.Client{Transport: transport(t, folder, address)} // before the program reads its certificate
	s := apptest.Server{Server: kit.Launch(t, process)}
	s.URL, s.Client = "https://api.example.com", client
	kit.Await(t, name+" answers", func() bool {
		select {
		case <-s.Ended:
			t.Fatalf("%s ended: %s", name, s.Printed())
		default:
		}
		status, _ := s.Send("GET", "/", "")
		return status != 0 && status < http.StatusInternalServerError // 503 until Caddy has asked /readyz
	})
	return s
}

// transport writes a certificate and its key into a folder. The transport trusts it, and
// connects from a client's address.
func transport(t *testing.T, folder, address string) http.RoundTripper {
	t.Helper()
	known := httptest.NewTLSServer(nil) // its certificate is good for *.example.com
	known.Close()
	certificate, roots := known.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(known.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err := errors.Join(err,
		os.WriteFile(filepath.Join(folder, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600),
		os.WriteFile(filepath.Join(folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)); err != nil {
		t.Fatal(err)
	}
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(webClient)}}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return from.DialContext(ctx, "tcp", address) },
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func TestTheAPIWorksBehindAProxy(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for name := range proxies {
		plain, strips := sites(t, name)
		for claim, c := range map[string]struct{ site, basePath, prefix string }{
			"":                       {plain, "", ""},
			" with server.base_path": {plain, "/api", "/api"},
			" that removes a prefix": {strips, "", "/api"},
		} {
			t.Run(name+claim, func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				environ := []string{"APP_SERVER_TRUSTED_PROXIES=127.0.0.1", "APP_SERVER_BASE_PATH=" + c.basePath}
				api, other := apptest.Launch(t, folder, environ...).Await(), apptest.Launch(t, folder, environ...).Await()
				proxy := startProxy(t, name, c.site, api.URL, other.URL)
				proxy.URL += c.prefix
				proxy.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
				if _, faults, code := kit.Run(t, folder, nil, "user", "promote", "ada@example.com"); code != 0 {
					t.Fatal(faults)
				}
				bearer := "Bearer " + proxy.Token("ada@example.com")

				list := proxy.Want(200, "GET", "/sessions", "", "Authorization", bearer, "X-Forwarded-For", "203.0.113.9")
				if !strings.Contains(list, `"ip":"`+webClient+`"`) {
					t.Errorf("the client %s is not in %s", webClient, list)
				}
				if answer := proxy.Want(413, "PATCH", "/me", strings.Repeat(" ", 3<<19), "Authorization", bearer); !strings.Contains(answer, "body_too_large") {
					t.Errorf("a large body: %s", answer)
				}
				created, answer, err := proxy.Exchange("POST", "/users", apptest.Credentials("bob@example.com"), "Authorization", bearer) //nolint:bodyclose // exchange closes it
				if err != nil || created.StatusCode != http.StatusCreated || created.ProtoMajor != 2 {
					t.Fatalf("%v, %s, %v", created, answer, err)
				}
				shown, err := created.Location()
				if err != nil {
					t.Fatal(err)
				}
				path, found := strings.CutPrefix(shown.Path, c.prefix)
				if !found {
					t.Errorf("Location is %s, without %s", shown, c.prefix)
				}
				proxy.Want(200, "GET", path, "", "Authorization", bearer)
			})
		}
	}
}

// nginx sends Connection: close, and reads the answer only after it has sent the body.
func TestAnEarlyAnswerComesThroughAProxy(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	api := apptest.Launch(t, t.TempDir()).Await()
	for name := range proxies {
		t.Run(name, func(t *testing.T) {
			plain, _ := sites(t, name)
			proxy := startProxy(t, name, strings.Replace(plain, "client_max_body_size 2m", "client_max_body_size 20m", 1), api.URL, api.URL)
			for range 12 {
				proxy.Want(413, "POST", "/login", strings.Repeat(" ", 5<<20))
				proxy.Want(401, "PATCH", "/me", strings.Repeat(" ", 5<<20))
				proxy.Want(404, "POST", "/nowhere", strings.Repeat(" ", 5<<20))
			}
		})
	}
}

// versioned is an answer with a version. It is long enough to be compressed.
type versioned struct {
	Text string `json:"text"`
}

func (versioned) ETag() string { return `"7"` }

// change is the input of a route that changes it.
type change struct {
	IfMatch string `header:"If-Match"`
}

func TestAVersionMatchesThroughAProxyThatCompresses(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	for _, route := range []endpoint.Route{
		endpoint.Public("GET", "/", "", func(context.Context, endpoint.None) (versioned, error) {
			return versioned{strings.Repeat("long ", 1000)}, nil
		}),
		endpoint.Public("PUT", "/", "", func(_ context.Context, in change) (endpoint.None, error) {
			if !endpoint.MatchesTag(in.IfMatch, versioned{}.ETag()) {
				return endpoint.None{}, problem.PreconditionFailed
			}
			return endpoint.None{}, nil
		}),
		endpoint.Public("GET", "/readyz", "", func(context.Context, endpoint.None) (endpoint.None, error) { return endpoint.None{}, nil }),
	} {
		engine.Handle(route.Method, route.Path, route.Handlers()...)
	}
	upstream := httptest.NewServer(engine)
	t.Cleanup(upstream.Close)
	for name := range proxies {
		t.Run(name, func(t *testing.T) {
			plain, _ := sites(t, name)
			proxy := startProxy(t, name, plain, upstream.URL, upstream.URL)
			read, answer, err := proxy.Exchange("GET", "/", "", "Accept-Encoding", "gzip") //nolint:bodyclose // exchange closes it
			if err != nil || read.Header.Get("Content-Encoding") != "gzip" {
				t.Fatalf("%v, %v, %s", err, read, answer)
			}
			tag := read.Header.Get("ETag")
			t.Logf("the tag is %s", tag)
			proxy.Want(304, "GET", "/", "", "Accept-Encoding", "gzip", "If-None-Match", tag)
			proxy.Want(204, "PUT", "/", "{}", "If-Match", tag)
			proxy.Want(412, "PUT", "/", "{}", "If-Match", strings.Replace(tag, "7", "8", 1))
		})
	}
}

// markDown changes the configuration of nginx while it runs.
func markDown(t *testing.T, s apptest.Server, upstream apptest.Server) {
	t.Helper()
	config := s.Cmd.Args[len(s.Cmd.Args)-1]
	text, err := os.ReadFile(config)
	address := strings.TrimPrefix(upstream.URL, "http://")
	if err := errors.Join(err, os.WriteFile(config, []byte(replace(string(text), address, address+" down")), 0o600)); err != nil { //nolint:gosec // in a folder of the test
		t.Fatal(err)
	}
	s.Signal(syscall.SIGHUP) // as nginx -s reload does
}

func TestNoRequestIsLostWhenAServerBehindAProxyStops(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	const long = "1h"
	for claim, c := range map[string]struct{ name, delay string }{
		"nginx asks the other server":                {"nginx", "0s"},
		"caddy asks the other server":                {"caddy", "0s"},
		"nginx is told before":                       {"nginx", long},
		"caddy sees it during server.shutdown_delay": {"caddy", long},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			stops, stays := apptest.Launch(t, folder, "APP_SERVER_SHUTDOWN_DELAY="+c.delay).Await(), apptest.Launch(t, folder).Await()
			plain, _ := sites(t, c.name)
			proxy := startProxy(t, c.name, plain, stops.URL, stays.URL)
			proxy.Want(201, "POST", "/register", apptest.Credentials("ada@example.com"))
			bearer := "Bearer " + proxy.Token("ada@example.com")

			users := startLoad(t, 4, func(int64) {
				status, answer := proxy.Send("GET", "/protected", "", "Authorization", bearer)
				if status == http.StatusOK && c.delay == long { // else only a GET is sent again
					status, answer = proxy.Send("PATCH", "/me", `{"name":"Ada"}`, "Authorization", bearer)
				}
				if status != http.StatusOK {
					t.Errorf("%d %s", status, answer)
				}
			})
			defer users.stop()
			users.awaitMore(100)
			requests := func() int { return strings.Count(stops.Printed(), "/protected") }
			kit.Await(t, "the proxy sends it requests", func() bool { return requests() > 0 })
			stops.Signal(syscall.SIGTERM)
			if c.delay == long {
				if c.name == "nginx" {
					markDown(t, proxy, stops)
				}
				kit.Await(t, "it gets no more requests", func() bool {
					before := requests()
					users.awaitMore(100)
					return requests() == before
				})
				stops.Signal(syscall.SIGTERM) // as if the delay was over
			}
			if code := stops.End(); code != 0 && c.delay != long {
				t.Errorf("exit %d: %s", code, stops.Printed())
			}
			users.awaitMore(100)
		})
	}
}
