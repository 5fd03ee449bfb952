package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
)

// compare takes turns, so that whatever else the machine does meets all alike.
func (s *subject) compare(ctx context.Context) error {
	const rounds, workers, turn = 5, 32, 1500 * time.Millisecond
	log, err := os.Create(filepath.Join(s.folder, "access.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	logging := s.twin("logging", "APP_LOG_LEVEL=info", "APP_LOG_FORMAT=json")
	logging.stderr = log
	if err := logging.launch(ctx); err != nil {
		return err
	}
	defer logging.api.stop()
	base := new(fasthttp.Request)
	base.SetRequestURI(s.bare.url)
	names := []string{"bare Gin", "GET /protected", "GET /protected, with a line of log"}
	requests := []*fasthttp.Request{base, s.request("/protected", ""), logging.request("/protected", "")}
	if s.notes {
		names = append(names, "GET /notes, a page of 20", "POST /notes")
		requests = append(requests, s.request("/notes", ""), s.request("/notes", note))
	}
	rates, ratios := make([][]float64, len(names)), make([][]float64, len(names))
	for range rounds {
		for i, request := range requests {
			rate, err := closedLoop(workers, turn, always(workers, request))
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

const (
	inFlight = 64
	lasting  = 12 * time.Second
	stream   = 200 // requests per second beside the logins
)

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// hashing logs in all the time, then registers; the hashes alone are counted
// before, between and after, for a machine's speed drifts.
func (s *subject) hashing(ctx context.Context) error {
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
		if raw[i+1], err = rawBcrypt(ctx); err != nil {
			return err
		}
	}
	for i, name := range []string{"POST /login", "POST /register"} {
		s.made.operations = append(s.made.operations, operation{name, rates[i], rates[i] / s.bareRate, rates[i] / ((raw[i] + raw[i+1]) / 2)})
	}
	s.made.set("logins over raw bcrypt", rates[0]/((raw[0]+raw[1])/2), "%.2f/s over %.2f/s before and %.2f/s after, %d in flight", rates[0], raw[0], raw[1], inFlight)
	return nil
}

// storm measures what is left for others while many log in, here and on bare
// Gin with a login that hashes as they come.
func (s *subject) storm(context.Context) error {
	const alone = 6 * time.Second
	header := bearer(s.token)
	protected := s.api.url + "/protected"
	before, err := openLoop(protected, header, stream, alone)
	if err != nil {
		return err
	}
	bareBefore, err := openLoop(s.bare.url, nil, stream, alone)
	if err != nil {
		return err
	}
	var during, healthy, ready, bareDuring []time.Duration
	var group errgroup.Group
	group.Go(func() error {
		_, err := closedLoop(inFlight, lasting, always(inFlight, s.request("/login", credentials)))
		return err
	})
	for path, late := range map[string]*[]time.Duration{"/protected": &during, "/healthz": &healthy, "/readyz": &ready} {
		group.Go(func() (err error) {
			*late, err = openLoop(s.api.url+path, header, stream, lasting)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	login := s.request("/login", credentials)
	login.SetRequestURI(s.bare.url + "/login")
	group.Go(func() error {
		_, err := closedLoop(inFlight, alone, always(inFlight, login))
		return err
	})
	group.Go(func() (err error) {
		bareDuring, err = openLoop(s.bare.url, nil, stream, alone)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	s.made.curves = []curve{
		{"bare Gin among logins", bareDuring},
		{"Latchkey among logins", during},
		{"Latchkey alone", before},
		{"bare Gin alone", bareBefore},
	}
	s.made.set("p99 of GET /protected among logins", p99(during), "%d/s from their scheduled times, %d logins in flight", stream, inFlight)
	s.made.set("the same over its own without logins", p99(during)/p99(before), "%.2f ms without", p99(before))
	s.made.set("the same over that of bare Gin", p99(during)/p99(bareDuring), "%.0f ms, %.2f ms without", p99(bareDuring), p99(bareBefore))
	s.made.set("p99 of GET /healthz among logins", p99(healthy), "%d/s", stream)
	s.made.set("p99 of GET /readyz among logins", p99(ready), "%d/s", stream)
	return nil
}

// restart starts on the database that is there already.
func (s *subject) restart(ctx context.Context) error {
	took := make([]float64, 5)
	for i := range took {
		s.api.stop()
		begun := time.Now()
		if err := s.start(ctx); err != nil {
			return err
		}
		took[i] = time.Since(begun).Seconds() * 1000
	}
	s.made.set("start to the first answer", median(took), "the median of %.0f", took)
	return nil
}
