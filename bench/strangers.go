package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/models"
	"example.com/latchkey/routes"
)

const wrongCredentials = `{"email":"ada@example.com","password":"wrong horse"}`

// crowd measures the logins from one address while another one has 200 in flight.
func (s *app) crowd(ctx context.Context) error {
	const crowded, logins, lasting = 200, 10, 8 * time.Second
	rate, err := rawBcrypt(ctx)
	if err != nil {
		return err
	}
	hashTime := float64(runtime.NumCPU()) / rate
	crowdClient, other := clientFrom(func() int { return 1 }), clientFrom(func() int { return 2 })
	var group errgroup.Group
	group.Go(func() error {
		defer crowdClient.CloseIdleConnections()
		answered := func(status int) bool { return status == http.StatusOK || status == http.StatusServiceUnavailable }
		_, err := loop(crowdClient, crowded, lasting, answered, always(crowded, s.request("/login", credentials)))
		return err
	})
	var ratios []float64
	group.Go(func() error {
		defer other.CloseIdleConnections()
		time.Sleep(time.Second) // until all are in flight
		for range logins {
			var answer fasthttp.Response
			started := time.Now()
			err := other.Do(s.request("/login", credentials), &answer)
			if err == nil && answer.StatusCode() != http.StatusOK {
				err = fmt.Errorf("a login beside the crowd is answered %d: %s", answer.StatusCode(), answer.Body())
			}
			if err != nil {
				return err
			}
			ratios = append(ratios, time.Since(started).Seconds()/hashTime)
		}
		return nil
	})
	if err := errors.Join(group.Wait(), s.waitForHashes()); err != nil {
		return err
	}
	s.made.set("login beside 200 of one address over a hash", median(ratios), "the median of %.2f; a hash takes %.0f ms", ratios, 1000*hashTime)
	return nil
}

// refusals measures the work of the throttle on a server that hashes fast.
func (s *app) refusals(ctx context.Context) error {
	fast := s.withDatabase("refusals", "APP_PASSWORD_BCRYPT_COST=4")
	if err := fast.launch(ctx); err != nil {
		return err
	}
	defer fast.api.stop()
	if err := s.loginCost(ctx, fast); err != nil {
		return err
	}
	return s.storm(fast)
}

// loginCost compares what the throttle and the events add to a login with a hash. It
// does both parts of a login in this process, in turns, without and with them.
func (s *app) loginCost(ctx context.Context, fast *app) error {
	const rounds, times = 9, 200
	db, err := open(fast.folder)
	if err != nil {
		return err
	}
	defer func() { _ = database.Close(db) }()
	settings := config.Defaults()
	settings.JWT.Secret, settings.JWT.MaxSessions = settings.NewSecret(), 1_000_000
	services := accounts.NewServices(settings, db)
	hooks := routes.App{Settings: settings, DB: db, Auth: services}.Accounts().Hooks
	ctx = client.With(ctx, client.Client{IP: "192.0.2.1", UserAgent: "bench", RequestID: "bench"})
	db = db.WithContext(ctx)
	var user models.User
	if err := db.Take(&user).Error; err != nil {
		return err
	}
	login := func(more func(tx *gorm.DB, session models.Session) error) error {
		return database.Transaction(db, func(tx *gorm.DB) error {
			session, err := services.Sessions.Start(tx, user.ID, client.From(ctx))
			return errors.Join(err, more(tx, session))
		})
	}
	without := func() error { return login(func(*gorm.DB, models.Session) error { return nil }) }
	with := func() error {
		err := services.Throttle.Check(ctx, user.Email)
		return errors.Join(err, login(func(tx *gorm.DB, session models.Session) error {
			err := errors.Join(services.Throttle.Succeed(ctx, tx, user.Email, throttle.Password), services.Throttle.Remember(ctx, tx, user.Email))
			for _, hook := range hooks {
				err = errors.Join(err, hook(tx, accounts.Event{Kind: accounts.Login, User: user, Session: session.ID}))
			}
			return err
		}))
	}
	verify := func() error { return bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse")) }
	timeOf := func(times int, do func() error) float64 {
		start := time.Now()
		for range times {
			err = errors.Join(err, do())
		}
		return time.Since(start).Seconds() / float64(times)
	}
	var ratios []float64
	for range rounds {
		plain := timeOf(times, without)
		ratios = append(ratios, (timeOf(times, with)-plain)/timeOf(1, verify))
	}
	if err != nil {
		return err
	}
	s.made.set("throttle and event of a login over a hash", median(ratios), "the median of %.4f", ratios)
	return nil
}

// storm measures refused logins, and other requests while many are refused.
func (s *app) storm(fast *app) error {
	const rounds, turn, workers, perSecond = 5, 2 * time.Second, 16, 2000
	client := clientFrom(func() int { return 1 })
	defer client.CloseIdleConnections()
	wrong := fast.request("/login", wrongCredentials)
	var answer fasthttp.Response
	for answer.StatusCode() != http.StatusTooManyRequests {
		if err := client.Do(wrong, &answer); err != nil {
			return err
		}
	}
	refused := func(status int) bool { return status == http.StatusTooManyRequests }
	rate, err := loop(client, workers, turn, refused, always(workers, wrong))
	if err != nil {
		return err
	}
	s.made.set("refused logins", rate, "%d clients of one address", workers)
	var quiet, during []float64
	for range rounds {
		before, err := fast.streams(turn, []string{"/protected"})
		if err != nil {
			return err
		}
		var group errgroup.Group
		group.Go(func() error {
			sent, err := loop(client, workers, turn, refused, paced(perSecond, workers, wrong))
			if sent < 0.95*perSecond {
				err = errors.Join(err, fmt.Errorf("only %.0f logins a second were refused", sent))
			}
			return err
		})
		after, err := fast.streams(turn, []string{"/protected"})
		if err := errors.Join(err, group.Wait()); err != nil {
			return err
		}
		quiet, during = append(quiet, p99(before[0])), append(during, p99(after[0]))
	}
	s.made.set("p99 of GET /protected among 2,000 of them a second over without", median(during)/median(quiet), "the medians of %.2f ms over %.2f ms", during, quiet)
	return nil
}

// paced sends the same request so many times a second, from all workers together.
func paced(perSecond, workers int, request *fasthttp.Request) func(worker int) *fasthttp.Request {
	own, due, start := always(workers, request), make([]time.Duration, workers), time.Now()
	for worker := range due {
		due[worker] = time.Duration(worker) * time.Second / time.Duration(perSecond)
	}
	return func(worker int) *fasthttp.Request {
		time.Sleep(time.Until(start.Add(due[worker])))
		due[worker] += time.Duration(workers) * time.Second / time.Duration(perSecond)
		return own(worker)
	}
}
