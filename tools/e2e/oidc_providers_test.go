package e2e

import (
	"bufio"
	_ "embed"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

const (
	clientID     = "client"
	clientSecret = "a secret/with + and %"
)

// provider is an OpenID Connect provider of others on loopback, with one client.
type provider struct {
	name, issuer string
	logins       []string                   // of the users
	emails       []string                   // of the same users
	logIn        func(p *page, user string) // fills in the provider's own forms
	cancel       string                     // the selector of its link to cancel, or ""
}

// callbackOf is where a provider sends the browser back.
func callbackOf(api, name string) string { return api + "/login/" + name + "/callback" }

// startZitadel starts the example provider of zitadel/oidc. It has the email in UserInfo
// only, and sends no iss (RFC 9207). It is on localhost, so for the API on 127.0.0.1 it is
// another site.
func startZitadel(t *testing.T, api string) *provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	clients := map[string]*storage.Client{clientID: storage.WebClient(clientID, clientSecret, callbackOf(api, "zitadel"))}
	server.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(storage.NewUserStore(issuer), clients), slog.New(slog.DiscardHandler), false)
	server.Start()
	t.Cleanup(server.Close)
	return &provider{
		name: "zitadel", issuer: issuer,
		logins: []string{"test-user@localhost", "test-user2"},
		emails: []string{"test-user@zitadel.ch", "test-user2@zitadel.ch"},
		logIn: func(p *page, user string) {
			p.do(
				chromedp.SendKeys("#username", user),
				chromedp.SendKeys("#password", "verysecure\r"),
			)
		},
	}
}

//go:embed oidc_provider.mjs
var nodeProvider []byte

// installNode installs npm's oidc-provider, and returns its folder.
func installNode(t *testing.T) (folder string) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("npm is not installed, so there is no second provider: apt-get install npm")
	}
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "provider.mjs"), nodeProvider, 0o600); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--no-save", "oidc-provider@9.13.3")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	return folder
}

// startNode starts npm's oidc-provider. It has the email in the ID token, and sends iss.
// Whoever types a login is its user.
func startNode(t *testing.T, folder, api string) *provider {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "provider.mjs", clientID, clientSecret, callbackOf(api, "node"))
	node.Dir = folder
	if _, err := node.StdinPipe(); err != nil { // its end is the end of the program
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err == nil {
		err = node.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Wait() })
	issuer, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("oidc-provider does not listen: ", err)
	}
	return &provider{
		name: "node", issuer: strings.TrimSpace(issuer),
		logins: []string{"grace", "joan"},
		emails: []string{"grace@example.com", "joan@example.com"},
		cancel: ".login-help a",
		logIn: func(p *page, user string) {
			p.do(
				chromedp.SendKeys("[name=login]", user),
				chromedp.SendKeys("[name=password]", "any\r"),
				chromedp.WaitVisible("[name=prompt][value=consent] + button"),
				chromedp.Click("[name=prompt][value=consent] + button"),
			)
		},
	}
}
