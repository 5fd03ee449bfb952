package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"example.com/latchkey/kit/settings"
)

// server is a mail server of a test. Its errors are its answers.
type server struct {
	login, recipient, end error
	dies                  bool // after it has read the mail
	noLogin               bool

	connections atomic.Int32
	mails       chan received
}

type received struct{ user, from, to, text string }

type session struct {
	*server
	conn *smtp.Conn
	mail received
}

func (s *server) NewSession(conn *smtp.Conn) (smtp.Session, error) {
	s.connections.Add(1)
	return &session{server: s, conn: conn}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.mail.user = user; password != "p@ss word" {
			return smtp.ErrAuthFailed
		}
		return s.login
	}), nil
}
func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.mail.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.mail.to = to; return s.recipient }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }
func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.dies {
		return errors.Join(s.conn.Conn().Close(), errors.New("gone"))
	}
	if s.end == nil {
		s.mail.text = string(text)
		s.mails <- s.mail
	}
	return s.end
}

// certificate makes a certificate for localhost that this process trusts.
func certificate(dir string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	file := filepath.Join(dir, "root.pem")
	err = errors.Join(
		os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.Setenv("SSL_CERT_FILE", file), // Go reads it once
	)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

var trusted tls.Certificate

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mail")
	if err != nil {
		panic(err)
	}
	if trusted, err = certificate(dir); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// serve runs a mail server until the test ends, and returns a mail.url of it.
func serve(t *testing.T, s *server, scheme string, startTLS bool) settings.Secret {
	t.Helper()
	s.mails = make(chan received, 10)
	backend := smtp.NewServer(s)
	backend.Domain = "localhost"
	backend.ErrorLog = quiet{}
	certificates := &tls.Config{Certificates: []tls.Certificate{trusted}, MinVersion: tls.VersionTLS12}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if startTLS {
		backend.TLSConfig = certificates
	}
	if scheme == "smtps" {
		listener = tls.NewListener(listener, certificates)
	}
	go func() { _ = backend.Serve(listener) }()
	t.Cleanup(func() { _ = backend.Close() })
	user := "ada:p%40ss%20word@"
	if s.noLogin {
		user = ""
	}
	return settings.Secret(scheme + "://" + user + "localhost:" + port)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// texts are those of one mail.
var texts = fstest.MapFS{
	"layout.html": {Data: []byte(`<html>{{template "content" .}}</html>`)},
	"verify.html": {Data: []byte(`{{define "content"}}<p>{{.Data.Email}} at {{.Service}}: <a href="{{.Data.Link}}">{{duration .Data.TTL}}</a></p>{{end}}`)},
	"verify.txt":  {Data: []byte("Subject: Verify your email address\n\n{{.Data.Email}} at {{.Service}}\n\n{{.Data.Link}}\n\n{{duration .Data.TTL}}\n")},
}

// sample is what accounts gives the templates.
type sample struct {
	Email, Link string
	TTL         time.Duration
	Details     map[string]any
	Session, IP string
}

var link = "https://api.example.com/email/verify?token=" + strings.Repeat("aZ0_-", 20)

func message(to string) Message {
	return Message{to, "verify", sample{Email: to, Link: link, TTL: time.Hour}}
}

func sender(t *testing.T, url settings.Secret) *Sender {
	t.Helper()
	options := Options{Texts: texts}
	options.URL, options.From = url, "Café <post@bücher.example>"
	return New(options)
}

func TestAMailReachesItsServer(t *testing.T) {
	for claim, c := range map[string]struct {
		scheme   string
		startTLS bool
		server   *server
	}{
		"with STARTTLS and a login": {"smtp", true, &server{}},
		"with TLS from the start":   {"smtps", false, &server{}},
		"without a login":           {"smtp", true, &server{noLogin: true}},
	} {
		t.Run(claim, func(t *testing.T) {
			url := serve(t, c.server, c.scheme, c.startTLS)
			if err := sender(t, url).Send(t.Context(), message("bob@bücher.example")); err != nil {
				t.Fatal(err)
			}
			got := <-c.server.mails
			if got.from != "post@xn--bcher-kva.example" || got.to != "bob@xn--bcher-kva.example" || (got.user == "ada") == c.server.noLogin {
				t.Errorf("%+v", got)
			}
			for _, want := range []string{"Subject: Verify your email address\r\n", "Content-Type: text/plain; charset=UTF-8", "Content-Type: text/html", "Auto-Submitted: auto-generated", "@xn--bcher-kva.example>\r\n"} {
				if !strings.Contains(got.text, want) {
					t.Errorf("no %q in\n%s", want, got.text)
				}
			}
		})
	}
}

func TestAnErrorSaysWhetherARetryHelps(t *testing.T) {
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	for claim, c := range map[string]struct {
		server    *server
		startTLS  bool
		permanent bool
	}{
		"no: the recipient is refused for good": {&server{recipient: answer(550)}, true, true},
		"yes: the recipient is refused for now": {&server{recipient: answer(451)}, true, false},
		"no: the mail is refused for good":      {&server{end: answer(554)}, true, true},
		"yes: the mail is refused for now":      {&server{end: answer(452)}, true, false},
		"yes: the login is refused":             {&server{login: answer(535)}, true, false},
		"yes: the server dies after DATA":       {&server{dies: true}, true, false},
		"yes: the server does not speak TLS":    {&server{}, false, false},
	} {
		t.Run(claim, func(t *testing.T) {
			url := serve(t, c.server, "smtp", c.startTLS)
			err := sender(t, url).Send(t.Context(), message("bob@example.com"))
			if err == nil || errors.Is(err, ErrPermanent) != c.permanent || strings.Contains(err.Error(), "p@ss") {
				t.Error(err)
			}
			if len(c.server.mails) > 0 {
				t.Error("the server has taken the mail")
			}
		})
	}
}

func TestAnUntrustedServerGetsNoPassword(t *testing.T) {
	s := &server{}
	url := serve(t, s, "smtp", true)
	url = settings.Secret(strings.Replace(string(url), "localhost", "127.0.0.1", 1)) // not in the certificate
	if err := sender(t, url).Send(t.Context(), message("bob@example.com")); err == nil || errors.Is(err, ErrPermanent) || len(s.mails) > 0 {
		t.Error(err)
	}
}

func TestNothingGetsIntoAHeader(t *testing.T) {
	s := &server{}
	from := sender(t, serve(t, s, "smtp", true))
	for _, to := range []string{"bob@example.com\r\nBcc: eve@example.com", "bob\r\nBcc: x@example.com", "a@example.com, b@example.com", "Bob <b@example.com>", "bob@exa mple.com", "bob", "@example.com", ""} {
		if err := from.Send(t.Context(), message(to)); !errors.Is(err, ErrPermanent) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if s.connections.Load() != 0 {
		t.Error("the server was asked")
	}
	content, err := render(texts, "verify", "A\r\nBcc: eve@example.com", sample{})
	if err != nil || strings.ContainsAny(content.Subject, "\r\n") {
		t.Errorf("%q, %v", content.Subject, err)
	}
}
