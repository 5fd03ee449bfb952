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
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"example.com/latchkey/database"
	"example.com/latchkey/models"
)

const (
	queued       = 10_000
	queuePromise = "p99 of GET /protected among 10,000 mails over without"
)

// waitForMails returns an error unless every user of hashing gets a mail.
func waitForMails(s *app) error {
	db, err := open(s.folder)
	if err != nil {
		return err
	}
	var users, sent, waiting int64
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		err = errors.Join(db.Model(&models.User{}).Count(&users).Error, db.Model(&models.SentMail{}).Count(&sent).Error,
			db.Model(&models.Job{}).Where("kind = 'mail'").Count(&waiting).Error)
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

// mailQueue measures, in turns, while a queue of mails is sent and while it waits.
func mailQueue(s *app) func(context.Context) error {
	return func(ctx context.Context) error {
		const rounds, turn, perSecond = 7, 2 * time.Second, 500
		var mails sink
		server, environ, err := mails.serve(s.folder)
		if err != nil {
			return err
		}
		defer server.Close()
		other := s.withDatabase("mails", environ...)
		if err := errors.Join(os.MkdirAll(other.folder, 0o700), fill(other.folder, queued), other.launch(ctx)); err != nil {
			return err
		}
		defer other.api.stop()
		db, err := open(other.folder)
		if err != nil {
			return err
		}
		defer func() { _ = database.Close(db) }()
		due := func(at time.Time) error { return db.Exec("UPDATE jobs SET run_at = ? WHERE kind = 'mail'", at).Error }
		err = db.Exec("INSERT INTO jobs (id, created_at, kind, args, run_at, attempts, error) SELECT id, created_at, 'mail', "+
			`json_object('id', id, 'template', 'reset', 'user_id', id, 'email', ''), ?, 0, '' FROM users`, time.Now().UTC().Add(time.Hour)).Error
		if err != nil {
			return err
		}
		var with, without, ratios []float64
		for range rounds {
			delays, err := openLoop(other.api.url+"/protected", bearer(other.token), perSecond, turn)
			if err != nil {
				return err
			}
			without = append(without, p99(delays))
			before := mails.taken.Load()
			if err := due(time.Now().UTC()); err != nil {
				return err
			}
			for mails.taken.Load() == before && ctx.Err() == nil { // the worker looks once a second
				time.Sleep(time.Millisecond)
			}
			if delays, err = openLoop(other.api.url+"/protected", bearer(other.token), perSecond, turn); err != nil {
				return err
			}
			with = append(with, p99(delays))
			ratios = append(ratios, with[len(with)-1]/without[len(without)-1])
			if err := due(time.Now().UTC().Add(time.Hour)); err != nil {
				return err
			}
		}
		left := queued + 1 - mails.taken.Load()
		if left <= 0 {
			return errors.New("the queue is empty")
		}
		s.made.set(queuePromise, median(with)/median(without), "the medians of %.1f ms over %.1f ms; %d mails sent", with, without, mails.taken.Load())
		return nil
	}
}
