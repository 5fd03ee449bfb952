package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
)

const (
	queued       = 10_000
	queuePromise = "p99 of GET /protected among mails over the floor"
)

// waitForMails returns an error unless every user of hashing gets the mail that verifies
// the email.
func waitForMails(s *app) error {
	db, err := open(s.folder)
	if err != nil {
		return err
	}
	var users, sent, waiting int64
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		err = errors.Join(db.Model(&models.User{}).Count(&users).Error, db.Model(&models.CountedMail{}).Where("kind = 'verify'").Count(&sent).Error,
			db.Model(&jobs.Row{}).Where("kind = 'mail'").Count(&waiting).Error)
		if err != nil || sent == users && waiting == 0 {
			break
		}
	}
	if sent != users || waiting > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d users got a mail, and %d wait", sent, users, waiting))
	}
	return errors.Join(err, database.Close(db))
}

// sink is a mail server that counts the mails.
type sink struct{ taken atomic.Int64 }

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return session{s}, nil }

type session struct{ *sink }

func (session) Mail(string, *smtp.MailOptions) error { return nil }
func (session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (session) Reset()                               {}
func (session) Logout() error                        { return nil }
func (s session) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.taken.Add(1)
	return err
}

// serve starts the mail server. environ lets a program send by it.
func (s *sink) serve(folder string) (server *smtp.Server, environ []string, err error) {
	certified := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer certified.Close()
	root := filepath.Join(folder, "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}), 0o600); err != nil {
		return nil, nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, nil, err
	}
	server = smtp.NewServer(s)
	server.Domain = "localhost"
	go func() { _ = server.Serve(listener) }()
	return server, []string{"APP_MAIL_URL=smtps://" + listener.Addr().String(), "SSL_CERT_FILE=" + root}, nil
}

// mailQueue measures, in turns, while a queue of mails is sent by the server, and while
// one is sent by another process.
func mailQueue(s *app) func(context.Context) error {
	return func(ctx context.Context) error {
		const rounds, turn, perSecond = 12, time.Second, 500
		var mails sink
		server, environ, err := mails.serve(s.folder)
		if err != nil {
			return err
		}
		defer server.Close()
		own, other := s.withDatabase("mails", environ...), s.withDatabase("other mails", environ...)
		for _, app := range []*app{own, other} {
			if err := errors.Join(os.MkdirAll(app.folder, 0o700), fill(app.folder, queued), app.launch(ctx)); err != nil {
				return err
			}
			defer app.api.stop()
		}
		var during, floor []time.Duration
		for range rounds {
			for _, turned := range []struct {
				queue  *app
				delays *[]time.Duration
			}{{own, &during}, {other, &floor}} {
				if err := turned.queue.setMails("+0 days"); err != nil {
					return err
				}
				for before := mails.taken.Load(); mails.taken.Load() == before && ctx.Err() == nil; { // a worker looks once a second
					time.Sleep(time.Millisecond)
				}
				delays, err := openLoop(own.api.url+"/protected", bearer(own.token), perSecond, turn)
				if err == nil {
					err = turned.queue.setMails("+1 day")
				}
				if err != nil {
					return err
				}
				*turned.delays = append(*turned.delays, delays...)
			}
		}
		if mails.taken.Load() >= queued {
			return errors.New("a queue may be empty")
		}
		slices.Sort(during)
		slices.Sort(floor)
		s.made.set(queuePromise, p99(during)/p99(floor), "%.2f ms over %.2f ms, %d requests each; %d mails sent", p99(during), p99(floor), len(during), mails.taken.Load())
		return nil
	}
}

// setMails makes the mails of a database due at a time. The first time it adds them.
func (s *app) setMails(due string) error {
	db, err := open(s.folder)
	if err != nil {
		return err
	}
	err = errors.Join(
		db.Exec("INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) SELECT id, created_at, 'mail', "+
			"json_object('id', id, 'template', 'reset', 'user_id', id, 'email', ''), created_at, 0, '' FROM users WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE kind = 'mail')").Error,
		db.Exec("UPDATE jobs SET run_at = datetime('now', ?) || '+00:00' WHERE kind = 'mail'", due).Error,
	)
	return errors.Join(err, database.Close(db))
}
