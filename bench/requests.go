package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	_ "modernc.org/sqlite" // the driver

	"example.com/latchkey/kit/apptest/postgres"
)

const (
	clients         = 32
	refreshers      = 8
	rows            = 1_000_000
	connectionCount = 10_000
)

// requests compares Latchkey with a bare Gin route and with the libraries.
func requests(b *bench) {
	logging, replica := b.launch(must(os.Create(filepath.Join(b.folder, "log"))), "APP_LOG_LEVEL=info", "APP_LOG_FORMAT=json"), b.launch(os.Stderr)
	b.turns(
		28, 300*time.Millisecond,
		b.send("bare Gin", b.bare.load(clients, "/", "")),
		b.send("GET /protected", b.api.load(clients, "/protected", "")),
		b.send("GET /protected with a line of log", logging.load(clients, "/protected", "")),
		b.send("GET /protected with a new token", replica.newTokens()),
		b.send("golang-jwt alone", b.bare.load(clients, "/protected", "")),
		b.send("GET /notes", b.api.load(clients, "/notes", "")),
		b.send("GORM alone", b.bare.load(clients, "/notes", "")),
		b.send("POST /notes", b.api.load(clients, "/notes", note)),
	)
	b.turns(5, 2*time.Second, b.send("bare Gin for 8 clients", b.bare.load(refreshers, "/", "")), b.send("POST /refresh", b.api.refreshing(refreshers)))
}

// newTokens returns requests with a new token each, as another replica would issue it.
func (s *server) newTokens() *load {
	secret := bytes.TrimSpace(must(os.ReadFile(filepath.Join(s.folder, "data/jwt_secret"))))
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(s.token, claims)
	check(err)
	tokens := make([]string, 200_000) // more than are sent
	for i := range tokens {
		claims["jti"] = fmt.Sprint(i)
		tokens[i] = must(token.SignedString(secret))
	}
	var sent atomic.Int64
	l := s.load(clients, "/protected", "")
	l.change = func(client int) {
		l.requests[client].Header.Set("Authorization", "Bearer "+tokens[int(sent.Add(1))%len(tokens)])
	}
	return l
}

// refreshing returns the load of clients that refresh, each its own session.
func (s *server) refreshing(clients int) *load {
	l := s.load(clients, "/refresh", "{}")
	for i := range l.answers {
		l.answers[i] = must(s.do("/login", credentials))
	}
	l.change = func(client int) {
		var tokens struct {
			RefreshToken string `json:"refresh_token"`
		}
		_ = json.Unmarshal(l.answers[client].Body(), &tokens) // a wrong token is refused
		l.requests[client].SetBodyString(`{"refresh_token":"` + tokens.RefreshToken + `"}`)
	}
	return l
}

// onPostgres measures on PostgreSQL with its default settings, so that each answered
// change is on the disk.
func onPostgres(b *bench) {
	server, err := postgres.Start()
	if errors.Is(err, exec.ErrNotFound) {
		fmt.Println("  PostgreSQL is not installed")
		return
	}
	check(err)
	b.ends = append(b.ends, server.Stop)
	p := b.launch(os.Stderr, "APP_DATABASE_URL="+server.URL)
	b.turns(5, time.Second, b.send("GET /protected on SQLite", b.api.load(clients, "/protected", "")), b.send("GET /protected on PostgreSQL", p.load(clients, "/protected", "")))
	b.turns(3, 2*time.Second, b.send("POST /refresh on PostgreSQL", p.refreshing(refreshers)))
	b.turns(
		5, 3*time.Second,
		b.besideHashing(b.streams(p, "on PostgreSQL beside hashing", "/protected")),
		together(b.streams(p, "on PostgreSQL among logins", "/protected"), b.hangUp("POST /login on PostgreSQL", p.load(inFlight, "/login", credentials))),
	)
}

// databaseSizes compares databases of 1, 10 thousand and a million users in turns.
// Each user has an expired session and a note. Nothing is cached and hashing is fast,
// so that the rest is mostly the work of the database.
func databaseSizes(b *bench) {
	kinds := map[string][]take{}
	sizes := []string{"1 user", "10 thousand", "a million"}
	var s *server
	for i, users := range []int{1, 10_000, rows} {
		s = b.launch(os.Stderr, "APP_JWT_REVOCATION_LAG=0s", "APP_PASSWORD_BCRYPT_COST=4")
		s.fill(users)
		s.addNotes()
		for kind, l := range map[string]*load{
			"login":         s.load(refreshers, "/login", credentials),
			"refresh":       s.refreshing(refreshers),
			"session check": s.load(refreshers, "/protected", ""),
			"page of notes": s.load(refreshers, "/notes", ""),
		} {
			kinds[kind] = append(kinds[kind], b.send(kind+" of "+sizes[i], l))
		}
	}
	for _, takes := range kinds {
		b.turns(5, 800*time.Millisecond, takes...)
	}
	s.purge()
}

// purge lets the server delete expired sessions while clients refresh.
func (s *server) purge() {
	must(s.database().ExecContext(s.bench.ctx, "UPDATE jobs SET run_at = '2026-01-01 00:00:00+00:00' WHERE kind = 'housekeeping'"))
	s.bench.turns(1, 10*time.Second, s.bench.send("POST /refresh during a purge", s.refreshing(2)))
	s.bench.add("deleted sessions", float64(rows-s.count("sessions")))
}

// database opens the SQLite database of a running server, until the end of the step.
func (s *server) database() *sql.DB {
	db := must(sql.Open("sqlite", "file:"+filepath.Join(s.folder, "data/app.db")+"?_pragma=busy_timeout(60000)"))
	s.bench.ends = append(s.bench.ends, db.Close)
	return db
}

// count counts the rows of a table, or some of them.
func (s *server) count(from string) (rows int) {
	check(s.database().QueryRowContext(s.bench.ctx, "SELECT COUNT(*) FROM "+from).Scan(&rows))
	return rows
}

// fill adds users, sessions and notes to a database, one of each in a row. A fork may
// have no notes.
func (s *server) fill(rows int) {
	const (
		numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
		id      = "printf('%08x-0000-7000-8000-%012x', i, i)"
		long    = "'2020-01-01 00:00:00+00:00'"
	)
	insert := func(into, values string) error {
		_, err := s.database().ExecContext(s.bench.ctx, numbers+"INSERT INTO "+into+" SELECT "+id+", "+long+", "+values+" FROM n", rows-1)
		return err
	}
	check(insert("users (id, created_at, email, password_hash, role, email_verified, disabled)", "i || '@example.com', '', 'user', false, false"))
	check(insert("sessions (id, created_at, user_id, last_used_at, expires_at, ip, user_agent, counter, revoked_reason)", id+", "+long+", "+long+", '127.0.0.1', 'bench', 1, ''"))
	_ = insert("notes (id, created_at, owner_id, updated_at, title, body)", id+", "+long+", 'Milk', ''")
}

// idleConnections opens 10,000 connections, each of which sends one request and stays
// open, and measures the memory and the other requests.
func idleConnections(b *bench) {
	for range connectionCount {
		connection := must(net.Dial("tcp", b.api.address))
		b.ends = append(b.ends, connection.Close)
		fmt.Fprintf(connection, "GET /protected HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", b.api.token)
		must(fmt.Fscanf(connection, "HTTP/1.1 200 OK"))
	}
	b.add("memory with 10,000 idle connections", b.api.memory())
	b.turns(1, 5*time.Second, b.send("GET /protected among them", b.api.paced(pace, "/protected")))
}

// restart starts all servers again and again, the API with its existing database. Then
// nobody calls it, but its jobs still look for work.
func restart(b *bench) {
	b.turns(5, 0, b.api.restarted("start to the first answer"), b.bare.restarted("start of bare Gin"), b.alone.restarted("start without parts"))
	before := b.api.processorTime()
	time.Sleep(5 * time.Second)
	b.add("idle CPU", 100*(b.api.processorTime()-before)/5000)
}

// apiKeys compares requests with an API key, the cookie of a browser and an access token.
func apiKeys(b *bench) {
	withKey := *b.api
	withKey.token = b.api.ask("/keys", `{"name":"bench","scope":"read","current_password":"correct horse"}`, "key")
	login, withCookie := b.api.load(1, "/login", `{"session":"cookie",`+credentials[1:]), b.api.load(clients, "/protected", "")
	login.requests[0].Header.Set("Sec-Fetch-Site", "same-origin")
	b.turns(1, 0, b.send("POST /login for a cookie", login))
	cookie, _, _ := bytes.Cut(login.answers[0].Header.PeekCookie("session"), []byte(";"))
	for _, request := range withCookie.requests {
		request.Header.Del("Authorization")
		request.Header.SetBytesV("Cookie", cookie)
	}
	b.turns(24, 300*time.Millisecond, b.send("GET /protected with a token", b.api.load(clients, "/protected", "")),
		b.send("GET /protected with an API key", withKey.load(clients, "/protected", "")), b.send("GET /protected with a cookie", withCookie))
}

// metrics compares GET /protected with and without metrics by the CPU time of a request:
// a rate differs by more from turn to turn.
func metrics(b *bench) {
	without, with := b.launch(os.Stderr), b.launch(os.Stderr, "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")
	b.turns(
		40, 250*time.Millisecond,
		b.send("GET /protected without metrics", without.load(clients, "/protected", "")),
		b.send("GET /protected with metrics", with.load(clients, "/protected", "")),
	)
}
