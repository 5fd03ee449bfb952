package main

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

const queued = 10_000

// mailsOfUsers counts the mails that verify the emails of all who have registered.
var mailsOfUsers = step{"a mail for each user", func(b *bench) {
	time.Sleep(3 * time.Second) // for the last ones
	b.add("mails", float64(b.api.count("counted_mails WHERE kind = 'verify'")))
	b.add("users", float64(b.api.count("users")))
}}

// mailQueue measures while a queue of mails is sent by the server, and while one is sent
// by another process.
var mailQueue = step{"10,000 mails", func(b *bench) {
	var mails sink
	environ := b.serve(&mails)
	own, other := b.launch(os.Stderr, environ...), b.launch(os.Stderr, environ...)
	b.turns(
		12, time.Second,
		mails.sending(own, b.send("GET /protected among mails", own.paced(500, "/protected"))),
		mails.sending(other, b.send("GET /protected beside mails of another", own.paced(500, "/protected"))),
	)
	if mails.taken.Load() >= queued {
		panic("a queue may be empty")
	}
}}

// sink is a mail server that counts the mails.
type sink struct{ taken atomic.Int64 }

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (*sink) Mail(string, *smtp.MailOptions) error          { return nil }
func (*sink) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (*sink) Reset()                                        {}
func (*sink) Logout() error                                 { return nil }
func (s *sink) Data(r io.Reader) error {
	s.taken.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}

// serve starts the mail server. environ lets a program send by it.
func (b *bench) serve(mails *sink) (environ []string) {
	certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer certified.Close()
	root := filepath.Join(b.folder, "root.pem")
	check(os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}), 0o600))
	listener := must(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}))
	server := smtp.NewServer(mails)
	server.Domain = "localhost"
	b.ends = append(b.ends, server.Close)
	go func() { _ = server.Serve(listener) }()
	return []string{"APP_MAIL_URL=smtps://" + listener.Addr().String(), "SSL_CERT_FILE=" + root}
}

// sending makes the mails to many users due before a take, and holds them back after it.
func (s *sink) sending(from *server, t take) take {
	from.fill(queued)
	db := from.database()
	must(db.Exec("INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) SELECT id, created_at, 'mail', " +
		"json_object('id', id, 'template', 'reset', 'user_id', id, 'email', ''), '9999-12-31 00:00:00+00:00', 0, '' FROM users"))
	due := func(when string) {
		must(db.Exec("UPDATE jobs SET run_at = datetime('now', ?) || '+00:00' WHERE kind = 'mail'", when))
	}
	return func(d time.Duration) error {
		before := s.taken.Load()
		due("+0 days")
		for s.taken.Load() == before && from.bench.ctx.Err() == nil { // a worker looks once a second
			time.Sleep(time.Millisecond)
		}
		err := t(d)
		due("+1 day")
		return err
	}
}
