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
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
)

const (
	refreshers = 8
	rows       = 1_000_000
)

// refreshLoop sends refresh requests for d. Each client has its own session. It
// returns the answers per second and the sorted durations.
func (s *app) refreshLoop(clients int, d time.Duration) (rate float64, durations []time.Duration, err error) {
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
			for started := start; started.Sub(start) < d; started = time.Now() {
				request.SetBodyString(`{"refresh_token":"` + s.refresh[i] + `"}`)
				err := client.Do(request, &answer)
				own = append(own, time.Since(started))
				if err == nil {
					s.refresh[i], err = refreshToken(&answer)
				}
				if err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			durations = append(durations, own...)
			return nil
		})
	}
	err = group.Wait()
	slices.Sort(durations)
	return float64(len(durations)) / time.Since(start).Seconds(), durations, err
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

func (s *app) refreshes(context.Context) error {
	rate, durations, err := s.refreshLoop(refreshers, 10*time.Second)
	if err != nil {
		return err
	}
	s.made.set("refreshes over bare Gin", rate/s.bareRate, "%.0f/s, %d clients, each answer committed, no errors", rate, refreshers)
	s.made.set("p99 of a refresh", p99(durations), "the same")
	s.made.operations = append(s.made.operations, operation{"POST /refresh", rate, rate / s.bareRate, 0})
	return nil
}

// databaseSizes compares databases of 1, 10 thousand and a million users in turns.
// Each user has an expired session and a note. Nothing is cached and hashing is fast,
// so that the rest is mostly the work of the database.
func (s *app) databaseSizes(ctx context.Context) error {
	const rounds, turn = 5, 800 * time.Millisecond
	sizes := []int{1, 10_000, rows}
	apps := make([]*app, len(sizes))
	for i, size := range sizes {
		apps[i] = s.withDatabase(fmt.Sprint(size), "APP_JWT_REVOCATION_LAG=0s", "APP_PASSWORD_BCRYPT_COST=4")
		if err := errors.Join(os.MkdirAll(apps[i].folder, 0o700), fill(apps[i].folder, size), apps[i].launch(ctx), apps[i].addNotes(25)); err != nil {
			return err
		}
		defer apps[i].api.stop()
		fmt.Printf("  the database with %d users is ready\n", size)
	}
	loop := func(path, body string) func(*app) (float64, error) {
		return func(other *app) (float64, error) {
			return closedLoop(refreshers, turn, always(refreshers, other.request(path, body)))
		}
	}
	for _, kind := range []struct {
		name, of string
		take     func(*app) (float64, error)
	}{
		{"login", "user", loop("/login", credentials)},
		{"refresh", "session", func(other *app) (rate float64, err error) {
			rate, _, err = other.refreshLoop(refreshers, turn)
			return rate, err
		}},
		{"session check", "", loop("/protected", "")},
		{"page of notes", "user", loop("/notes", "")},
	} {
		if kind.name == "page of notes" && !s.notes {
			continue
		}
		ratios := make([][]float64, len(sizes))
		for range rounds {
			var rates []float64
			for _, other := range apps {
				rate, err := kind.take(other)
				if err != nil {
					return err
				}
				rates = append(rates, rate)
			}
			for i := range sizes {
				ratios[i] = append(ratios[i], rates[0]/rates[i])
			}
		}
		for i, many := range []string{"", "10 thousand", "a million"} {
			if i > 0 {
				name := strings.TrimSpace(fmt.Sprintf("%s, 1 %s", kind.name, kind.of)) + " over " + many
				s.made.set(name, median(ratios[i]), "the median of %.2f", ratios[i])
			}
		}
		fmt.Printf("  %s: %.2f, %.2f\n", kind.name, median(ratios[1]), median(ratios[2]))
	}
	return s.purge(ctx, apps[len(apps)-1])
}

// purge deletes expired sessions in another process while clients refresh.
func (s *app) purge(ctx context.Context, full *app) error {
	const lasting = 10 * time.Second
	command := exec.CommandContext(ctx, s.program, "sessions", "purge")
	command.Dir, command.Env = full.folder, full.environ
	if err := command.Start(); err != nil {
		return err
	}
	_, durations, err := full.refreshLoop(2, lasting)
	_ = command.Process.Kill() // it may have ended before
	_ = command.Wait()
	if err != nil {
		return err
	}
	left, err := count(full.folder)
	if deleted := rows - left; deleted < 10_000 {
		err = errors.Join(err, fmt.Errorf("the purge deleted only %d sessions", deleted))
	}
	s.made.set("slowest refresh during a purge", durations[len(durations)-1].Seconds()*1000, "the slowest of %d while another process deleted %d sessions", len(durations), rows-left)
	return err
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
	return database.Open(database.Settings{URL: "sqlite://" + filepath.Join(folder, "data/app.db")}, slog.New(slog.DiscardHandler))
}

// fill makes a database with users, sessions and notes, one of each in a row.
func fill(folder string, rows int) error {
	db, err := open(folder)
	if err != nil {
		return err
	}
	const (
		numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
		id      = "printf('%08x-0000-7000-8000-%012x', i, i)"
		long    = "'2020-01-01 00:00:00+00:00'"
	)
	insert := func(into, values string) error {
		return db.Transaction(func(tx *gorm.DB) error { // GORM's own transaction, which has no time limit
			return tx.Exec(numbers+"INSERT INTO "+into+" SELECT "+id+", "+long+", "+values+" FROM n", rows-1).Error
		})
	}
	err = errors.Join(
		database.Migrate(db),
		insert("users (id, created_at, email, password_hash, role, email_verified, disabled)", "i || '@example.com', '', 'user', false, false"),
		insert("sessions (id, created_at, user_id, last_used_at, expires_at, ip, user_agent, counter, revoked_reason)", id+", "+long+", "+long+", '127.0.0.1', 'bench', 1, ''"),
	)
	if err == nil && db.Migrator().HasTable("notes") {
		err = insert("notes (id, created_at, owner_id, updated_at, title, body)", id+", "+long+", 'Milk', ''")
	}
	return errors.Join(err, database.Close(db))
}
