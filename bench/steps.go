package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/latchkey/auth"
	"example.com/latchkey/config"
)

// compare measures in turns, so that other work on the machine affects all equally.
func (s *app) compare(ctx context.Context) error {
	const rounds, workers, turn = 5, 32, 1500 * time.Millisecond
	log, err := os.Create(filepath.Join(s.folder, "access.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	logging := s.withDatabase("logging", "APP_LOG_LEVEL=info", "APP_LOG_FORMAT=json")
	logging.stderr = log
	if err := logging.launch(ctx); err != nil {
		return err
	}
	defer logging.api.stop()
	replica := s.withDatabase("replica")
	if err := replica.launch(ctx); err != nil {
		return err
	}
	defer replica.api.stop()
	newTokens, err := replica.newTokens(workers)
	if err != nil {
		return err
	}
	base := new(fasthttp.Request)
	base.SetRequestURI(s.bare.url)
	names := []string{"bare Gin", "GET /protected", "GET /protected, with a line of log", "GET /protected, a new token of a replica each"}
	next := []func(int) *fasthttp.Request{always(workers, base), always(workers, s.request("/protected", "")), always(workers, logging.request("/protected", "")), newTokens}
	if s.notes {
		names = append(names, "GET /notes, a page of 20", "POST /notes")
		next = append(next, always(workers, s.request("/notes", "")), always(workers, s.request("/notes", note)))
	}
	rates, ratios := make([][]float64, len(names)), make([][]float64, len(names))
	for range rounds {
		for i := range names {
			rate, err := closedLoop(workers, turn, next[i])
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
			ratios[i] = append(ratios[i], rate/rates[0][len(rates[0])-1])
		}
		fmt.Printf("  %.0f/s of bare Gin, %.0f/s of /protected\n", rates[0][len(rates[0])-1], rates[1][len(rates[1])-1])
	}
	for i, name := range names {
		s.made.operations = append(s.made.operations, operation{name, median(rates[i]), median(ratios[i]), 0})
	}
	s.bareRate = median(rates[0])
	s.made.set("GET /protected over bare Gin", median(ratios[1]), "the median of %.2f", ratios[1])
	s.made.set("the same with a line of log each", median(ratios[2]), "the median of %.2f, as JSON to a file", ratios[2])
	return nil
}

// newTokens returns requests with a new token each, which another process has issued.
func (s *app) newTokens(workers int) (func(worker int) *fasthttp.Request, error) {
	const count = 200_000 // more than are sent
	secret, err := os.ReadFile(filepath.Join(s.folder, "data/jwt_secret"))
	if err != nil {
		return nil, err
	}
	settings := config.Defaults().JWT
	settings.Secret = config.Secret(strings.TrimSpace(string(secret)))
	issuer := auth.NewTokens(settings)
	claims, err := issuer.Verify(s.token)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, count)
	for i := range tokens {
		if tokens[i], err = issuer.Issue(claims.UserID, claims.SessionID); err != nil {
			return nil, err
		}
	}
	var sent atomic.Int64
	own := always(workers, s.request("/protected", ""))
	return func(worker int) *fasthttp.Request {
		request := own(worker)
		request.Header.Set("Authorization", "Bearer "+tokens[sent.Add(1)%count])
		return request
	}, nil
}

const (
	inFlight = 64
	lasting  = 12 * time.Second
)

// hashing measures logins, then registrations. Raw bcrypt is measured before, between
// and after, because the speed of a machine changes.
func (s *app) hashing(ctx context.Context) error {
	var raw [3]float64
	var rates [2]float64
	var err error
	if raw[0], err = rawBcrypt(ctx); err != nil {
		return err
	}
	var registered atomic.Int64
	register := func(int) *fasthttp.Request {
		return s.request("/register", fmt.Sprintf(`{"email":"%d@example.com","password":"correct horse"}`, registered.Add(1)))
	}
	for i, next := range []func(int) *fasthttp.Request{always(inFlight, s.request("/login", credentials)), register} {
		if rates[i], err = closedLoop(inFlight, lasting, next); err != nil {
			return err
		}
		if err = s.waitForHashes(); err != nil {
			return err
		}
		if raw[i+1], err = rawBcrypt(ctx); err != nil {
			return err
		}
	}
	if err := waitForMails(s); err != nil {
		return err
	}
	for i, name := range []string{"POST /login", "POST /register"} {
		ratio := rates[i] / ((raw[i] + raw[i+1]) / 2)
		s.made.operations = append(s.made.operations, operation{name, rates[i], rates[i] / s.bareRate, ratio})
		promised := []string{"logins over raw bcrypt", "registrations over raw bcrypt"}[i]
		s.made.set(promised, ratio, "%.2f/s over %.2f/s before and %.2f/s after, %d in flight", rates[i], raw[i], raw[i+1], inFlight)
	}
	return nil
}

// restart starts both servers in turns, the application with its existing database.
func (s *app) restart(ctx context.Context) error {
	var durations, bare, ratios []float64
	for range 5 {
		s.api.stop()
		s.bare.stop()
		if err := errors.Join(s.start(ctx), s.startBare(ctx)); err != nil {
			return err
		}
		durations, bare = append(durations, s.api.took.Seconds()*1000), append(bare, s.bare.took.Seconds()*1000)
		ratios = append(ratios, s.api.took.Seconds()/s.bare.took.Seconds())
	}
	s.made.set("start to the first answer over bare Gin's", median(ratios), "the median of %.1f; %.0f ms over %.0f ms", ratios, median(durations), median(bare))
	return nil
}

// idle measures a server that nobody calls. Its jobs still look for work.
func (s *app) idle(context.Context) error {
	const lasting = 5 * time.Second
	before, err := processorTime(s.api)
	if err != nil {
		return err
	}
	time.Sleep(lasting)
	after, err := processorTime(s.api)
	if after > 0 {
		s.made.set("idle CPU", 100*(after-before).Seconds()/lasting.Seconds(), "%v in %v, of one core", after-before, lasting)
	}
	return err
}
