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

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
)

const (
	newToken    = "GET /protected, a new token of a replica each"
	parsedToken = "plain Gin and golang-jwt"
	pageOfNotes = "GET /notes, a page of 20"
	pageOfRows  = "plain Gin and GORM, a page of 20"
)

// compare measures in turns, so that other work on the machine affects all equally.
func (s *app) compare(ctx context.Context) error {
	const rounds, workers, turn = 28, 32, 300 * time.Millisecond
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
	plain, err := s.startPlain(ctx)
	if err != nil {
		return err
	}
	defer plain.stop()
	base, parsing, page := new(fasthttp.Request), s.request("/protected", ""), new(fasthttp.Request)
	base.SetRequestURI(s.bare.url)
	parsing.SetRequestURI(plain.url + "/protected")
	page.SetRequestURI(plain.url + "/notes")
	names := []string{"bare Gin", "GET /protected", "GET /protected, with a line of log", newToken, parsedToken}
	next := []func(int) *fasthttp.Request{always(workers, base), always(workers, s.request("/protected", "")), always(workers, logging.request("/protected", "")), newTokens, always(workers, parsing)}
	if s.notes {
		names = append(names, pageOfNotes, pageOfRows, "POST /notes")
		next = append(next, always(workers, s.request("/notes", "")), always(workers, page), always(workers, s.request("/notes", note)))
	}
	rates := map[string][]float64{}
	for range rounds {
		for i, name := range names {
			rate, err := closedLoop(workers, turn, next[i])
			if err != nil {
				return err
			}
			rates[name] = append(rates[name], rate)
		}
	}
	over := func(name, base string) (ratios []float64) {
		for i, rate := range rates[name] {
			ratios = append(ratios, rate/rates[base][i])
		}
		return ratios
	}
	for _, name := range names {
		s.made.operations = append(s.made.operations, operation{name, median(rates[name]), median(over(name, "bare Gin")), 0})
	}
	s.bareRate = median(rates["bare Gin"])
	for _, of := range []struct{ promised, name, base, from string }{
		{"GET /protected over bare Gin", "GET /protected", "bare Gin", ""},
		{"the same with a line of log each", "GET /protected, with a line of log", "bare Gin", ", as JSON to a file"},
		{"the same with a new token each over golang-jwt alone", newToken, parsedToken, ""},
		{"a page of notes over GORM alone", pageOfNotes, pageOfRows, ""},
	} {
		if ratios := over(of.name, of.base); len(ratios) > 0 {
			s.made.set(of.promised, median(ratios), "%s"+of.from, quartiles(ratios))
		}
	}
	return nil
}

// tokens returns what issues the tokens of a running server, and the claims of its user.
func (s *app) tokens() (settings config.JWT, tokens *token.Tokens, claims token.Claims, err error) {
	secret, err := os.ReadFile(filepath.Join(s.folder, "data/jwt_secret"))
	if err != nil {
		return settings, nil, claims, err
	}
	settings = config.Defaults().JWT
	settings.Secret = settings.Secret(strings.TrimSpace(string(secret)))
	tokens = token.New(settings)
	claims, err = tokens.Verify(s.token)
	return settings, tokens, claims, err
}

// newTokens returns requests with a new token each, which another process has issued.
func (s *app) newTokens(workers int) (func(worker int) *fasthttp.Request, error) {
	const count = 200_000 // more than are sent
	_, issuer, claims, err := s.tokens()
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

// startPlain starts the plain application with the tokens and the database of s.
func (s *app) startPlain(ctx context.Context) (*server, error) {
	settings, _, claims, err := s.tokens()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return start(ctx, s.folder, address, "/", []string{}, os.Stderr, s.plainProgram, address, "data/app.db", string(settings.Secret), claims.UserID.String())
}

// inFlight is how many clients log in or register at the same time.
const inFlight = 64

// hashing measures logins, registrations and raw bcrypt in turns, because the speed of a
// machine changes.
func (s *app) hashing(ctx context.Context) error {
	const rounds, turn = 3, 8 * time.Second
	before, err := rawBcrypt(ctx)
	if err != nil {
		return err
	}
	var registered atomic.Int64
	register := func(int) *fasthttp.Request {
		return s.request("/register", fmt.Sprintf(`{"email":"%d@example.com","password":"correct horse"}`, registered.Add(1)))
	}
	var rates, ratios [2][]float64
	for range rounds {
		for i, next := range []func(int) *fasthttp.Request{always(inFlight, s.request("/login", credentials)), register} {
			rate, err := closedLoop(inFlight, turn, next)
			if err == nil {
				err = s.waitForHashes()
			}
			if err != nil {
				return err
			}
			after, err := rawBcrypt(ctx)
			if err != nil {
				return err
			}
			rates[i], ratios[i] = append(rates[i], rate), append(ratios[i], 2*rate/(before+after))
			before = after
		}
	}
	if err := waitForMails(s); err != nil {
		return err
	}
	for i, name := range []string{"POST /login", "POST /register"} {
		rate, ratio := median(rates[i]), median(ratios[i])
		s.made.operations = append(s.made.operations, operation{name, rate, rate / s.bareRate, ratio})
		promised := []string{"logins over raw bcrypt", "registrations over raw bcrypt"}[i]
		s.made.set(promised, ratio, "the median of %.2f, %d in flight", ratios[i], inFlight)
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
