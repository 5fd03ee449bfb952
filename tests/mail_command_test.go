package tests

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"example.com/latchkey/app/apptest"
	kit "example.com/latchkey/kit/apptest"
	"example.com/latchkey/kit/settings"
)

// mailServer counts the mails that it takes, by their address.
type mailServer struct {
	mu    sync.Mutex
	taken map[string]int
}

func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: s}, nil
}

type mailSession struct {
	server *mailServer
	to     string
}

func (*mailSession) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }
func (*mailSession) Reset()                                      {}
func (*mailSession) Logout() error                               { return nil }
func (s *mailSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.taken[s.to]++
	return err
}

func (s *mailServer) count() (mails, addresses int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.taken {
		mails += n
	}
	return mails, len(s.taken)
}

func TestProductionSaysOnceThatNoMailIsSent(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for environment, want := range map[string]int{"production": 1, "development": 0} {
		s := apptest.Launch(t, t.TempDir(), "APP_ENVIRONMENT="+environment, "APP_PASSWORD_BCRYPT_COST=10", "APP_JWT_SECRET="+string(settings.NewSecret())).Await()
		if got := strings.Count(s.Printed(), "no mail is sent"); got != want {
			t.Errorf("%s says it %d times", environment, got)
		}
	}
}

func TestNoMailIsLostOrSentTwiceByAKillWhileTheMailServerIsAway(t *testing.T) {
	const users = 40
	folder, url := t.TempDir(), kit.NewDatabase(t).URL
	certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer certified.Close()
	root := filepath.Join(folder, "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	address := certified.Listener.Addr().String()
	environ := []string{"APP_DATABASE_URL=" + url, "APP_MAIL_URL=smtps://" + address, "SSL_CERT_FILE=" + root}
	keys := &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	certified.Close() // nothing listens there now

	s := apptest.Launch(t, folder, environ...).Await()
	inParallel(users, func(i int) { s.Want(201, "POST", "/register", apptest.Credentials(fmt.Sprint(i, "@example.com"))) })
	jobs := func(words string) int {
		out, _, _ := kit.Run(t, folder, environ, "jobs")
		return strings.Count(out, words)
	}
	kit.Await(t, "every mail was tried", func() bool { return jobs("no connection") == users })
	s.Signal(os.Kill)
	s.End()
	kit.Exec(t, url, "UPDATE jobs SET run_at = created_at WHERE kind = 'mail'") // the pauses and the leases are over

	off := apptest.Launch(t, folder, production("APP_DATABASE_URL="+url)...).Await() // without mail.url
	if waiting := jobs(" waiting "); waiting < users || strings.Count(off.Printed(), fmt.Sprint(users, " mails wait")) != 1 {
		t.Errorf("%d jobs wait: %s", waiting, off.Printed())
	}
	off.Signal(os.Interrupt)
	if off.End(); strings.Contains(off.Printed(), "a job ") {
		t.Error(off.Printed())
	}

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &mailServer{taken: map[string]int{}}
	backend := smtp.NewServer(server)
	backend.Domain, backend.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	go func() { _ = backend.Serve(tls.NewListener(listener, keys)) }()
	defer backend.Close()
	apptest.Launch(t, folder, environ...).Await()
	kit.Await(t, "no mail waits", func() bool { return jobs(" mail ") == 0 })
	if mails, addresses := server.count(); mails != users || addresses != users {
		t.Errorf("%d mails to %d of %d addresses", mails, addresses, users)
	}
}

func TestTheStartSaysWhetherMailIsSent(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for claim, c := range map[string]struct {
		environ  []string
		want     string
		warnings int
	}{
		"kept in development": {nil, " mail=kept", 0},
		"off in production":   {production(), " mail=off", 1},
		"sent in production": {
			production("APP_MAIL_URL=smtps://127.0.0.1:1", "APP_MAIL_FROM=ada@example.com", "APP_SERVER_PUBLIC_URL=https://api.example.com"), " mail=sent", 0,
		},
	} {
		s := apptest.Launch(t, t.TempDir(), c.environ...).Await()
		if log := s.Printed(); !strings.Contains(log, c.want) || strings.Count(log, noMail) != c.warnings {
			t.Errorf("%s: %s", claim, log)
		}
	}
}

func TestTheStartSaysThatOthersMayReadMails(t *testing.T) {
	kit.SkipOnPostgreSQL(t)
	for address, want := range map[string]int{"0.0.0.0:0": 1, ":0": 1, "localhost:0": 0, "127.0.0.1:0": 0} {
		s := apptest.Launch(t, t.TempDir(), "APP_SERVER_ADDRESS="+address)
		kit.Await(t, "it listens", func() bool { return strings.Contains(s.Printed(), "msg=listening") })
		if got := strings.Count(s.Printed(), "/dev/mail shows mails"); got != want {
			t.Errorf("%s: it says it %d times", address, got)
		}
	}
}
