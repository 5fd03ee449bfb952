package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"example.com/latchkey/database"
	"example.com/latchkey/models"
)

const (
	refreshers = 8
	rows       = 1_000_000
)

// refreshLoop keeps clients busy for d, each with the refresh token of a
// session of its own, and gives the answers per second and how long each took,
// the shortest first.
func (s *subject) refreshLoop(clients int, d time.Duration) (rate float64, took []time.Duration, err error) {
	client := fasthttp.Client{MaxIdemponentCallAttempts: 1}
	defer client.CloseIdleConnections()
	for len(s.refresh) < clients {
		var answer fasthttp.Response
		if err := client.Do(s.request("/login", credentials), &answer); err != nil {
			return 0, nil, err
		}
		token, err := refreshToken(&answer)
		if err != nil {
			return 0, nil, err
		}
		s.refresh = append(s.refresh, token)
	}
	var mu sync.Mutex
	var group errgroup.Group
	start := time.Now()
	for i := range clients {
		group.Go(func() error {
			var own []time.Duration
			var answer fasthttp.Response
			request := s.request("/refresh", "{}")
			for begun := start; begun.Sub(start) < d; begun = time.Now() {
				request.SetBodyString(`{"refresh_token":"` + s.refresh[i] + `"}`)
				err := client.Do(request, &answer)
				own = append(own, time.Since(begun))
				if err == nil {
					s.refresh[i], err = refreshToken(&answer)
				}
				if err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			return nil
		})
	}
	err = group.Wait()
	slices.Sort(took)
	return float64(len(took)) / time.Since(start).Seconds(), took, err
}

func refreshToken(answer *fasthttp.Response) (string, error) {
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	if status := answer.StatusCode(); status != fasthttp.StatusOK {
		return "", fmt.Errorf("answered %d: %s", status, answer.Body())
	}
	return tokens.RefreshToken, json.Unmarshal(answer.Body(), &tokens)
}

func (s *subject) refreshes(context.Context) error {
	rate, took, err := s.refreshLoop(refreshers, 10*time.Second)
	from := fmt.Sprintf("%d clients, each answer committed, no errors", refreshers)
	s.made.refresh = figure{rate, from}
	s.made.refreshP99 = figure{took[len(took)*99/100].Seconds() * 1000, from}
	return err
}

// grown compares an empty database with one of a million expired sessions, by
// turns, then has them purged. Each request asks the database.
func (s *subject) grown(ctx context.Context) error {
	const rounds, turn = 5, 1500 * time.Millisecond
	empty, full := s.twin("empty"), s.twin("full")
	if err := fill(full.folder); err != nil {
		return err
	}
	for _, twin := range []*subject{empty, full} {
		if err := errors.Join(os.MkdirAll(twin.folder, 0o700), twin.begin(ctx)); err != nil {
			return err
		}
		defer twin.api.stop()
	}
	refresh, protected := make([]float64, rounds), make([]float64, rounds)
	for i := range rounds {
		var rates, checks [2]float64
		for j, twin := range []*subject{empty, full} {
			var err, failed error
			rates[j], _, err = twin.refreshLoop(refreshers, turn)
			checks[j], failed = closedLoop(twin.request("/protected", ""), refreshers, turn)
			if err := errors.Join(err, failed); err != nil {
				return err
			}
		}
		refresh[i], protected[i] = rates[0]/rates[1], checks[0]/checks[1]
		fmt.Printf("  refresh %.0f/s and %.0f/s, session check %.0f/s and %.0f/s\n", rates[0], rates[1], checks[0], checks[1])
	}
	s.made.refreshGrown = figure{median(refresh), fmt.Sprintf("an empty table over %d rows, the median of %.2f", rows, refresh)}
	s.made.checkGrown = figure{median(protected), fmt.Sprintf("the same, the database asked on each request: %.2f", protected)}
	return s.purge(ctx, full)
}

// purge deletes expired sessions by the command, in a process of its own, while
// others refresh.
func (s *subject) purge(ctx context.Context, full *subject) error {
	const lasting = 10 * time.Second
	command := exec.CommandContext(ctx, s.program, "sessions", "purge")
	command.Dir, command.Env = full.folder, full.environ
	if err := command.Start(); err != nil {
		return err
	}
	_, took, err := full.refreshLoop(2, lasting)
	_ = command.Process.Kill() // ended by a signal, or done: either is fine
	_ = command.Wait()
	if err != nil {
		return err
	}
	left, err := count(full.folder)
	if deleted := rows - left; deleted < 10_000 {
		err = errors.Join(err, fmt.Errorf("the purge deleted only %d sessions", deleted))
	}
	s.made.purge = figure{took[len(took)-1].Seconds() * 1000, fmt.Sprintf("the slowest of %d while another process deleted %d sessions", len(took), rows-left)}
	return err
}

// twin is the same program with a database of its own and fast hashing.
func (s *subject) twin(folder string) *subject {
	return &subject{
		folder: filepath.Join(s.folder, folder), program: s.program, made: new(figures),
		environ: []string{"APP_JWT_REVOCATION_LAG=0s", "APP_PASSWORD_BCRYPT_COST=4"},
	}
}

func count(folder string) (sessions int64, err error) {
	db, err := open(folder)
	if err != nil {
		return 0, err
	}
	err = db.Model(&models.Session{}).Count(&sessions).Error
	return sessions, errors.Join(err, database.Close(db))
}

func open(folder string) (*gorm.DB, error) {
	return database.Open("sqlite://"+filepath.Join(folder, "data/app.db"), slog.New(slog.DiscardHandler))
}

// fill makes a database with a thousand users of a thousand expired sessions each.
func fill(folder string) error {
	db, err := open(folder)
	if err != nil {
		return err
	}
	const id, long = "printf('%08x-0000-7000-8000-%012x', i, i)", "'2020-01-01 00:00:00+00:00'"
	return errors.Join(
		database.Migrate(db),
		db.Exec("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "+
			"INSERT INTO users (id, created_at, email, password_hash, role, email_verified, disabled) "+
			"SELECT "+id+", "+long+", i || '@example.com', '', 'user', false, false FROM n").Error,
		db.Exec("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "+
			"INSERT INTO sessions (id, created_at, user_id, last_used_at, expires_at, ip, user_agent, counter, revoked_reason) "+
			"SELECT "+id+", "+long+", printf('%08x-0000-7000-8000-%012x', i % 1000, i % 1000), "+long+", "+long+", '127.0.0.1', 'bench', 1, '' FROM n", rows-1).Error,
		database.Close(db))
}
