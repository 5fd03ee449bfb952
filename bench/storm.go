package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
)

const stream = 200 // requests per second beside the logins

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// storm measures what is left for others while many log in, here and on bare
// Gin with a login that hashes as they come.
func (s *subject) storm(ctx context.Context) error {
	const alone = 6 * time.Second
	paths := []string{"/protected", "/healthz", "/readyz"}
	before, err := s.streams(alone, paths)
	if err != nil {
		return err
	}
	bareBefore, err := openLoop(s.bare.url, nil, stream, alone)
	if err != nil {
		return err
	}
	met, err := s.amongLogins(ctx, paths...)
	if err != nil {
		return err
	}
	login := s.request("/login", credentials)
	login.SetRequestURI(s.bare.url + "/login")
	var bareDuring []time.Duration
	var group errgroup.Group
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
	during := met[0].amid
	s.made.curves = []curve{
		{"bare Gin among logins", bareDuring},
		{"Latchkey among logins", during},
		{"Latchkey beside a program that hashes", met[0].floor},
		{"Latchkey alone", before[0]},
		{"bare Gin alone", bareBefore},
	}
	for i, name := range []string{"p99 of GET /protected among logins over the floor", "the same of GET /healthz", "the same of GET /readyz"} {
		s.made.setRush(name, met[i])
	}
	s.made.set("p99 of GET /protected among logins over without", p99(during)/p99(before[0]), "%.2f ms over %.2f ms", p99(during), p99(before[0]))
	s.made.set("the same over that of bare Gin", p99(during)/p99(bareDuring), "%.2f ms over %.0f ms; bare Gin's without logins %.2f ms", p99(during), p99(bareDuring), p99(bareBefore))
	s.made.set("login after 64 have hung up over one alone", median(s.settled), "the median of %.2f", s.settled)
	if err := s.weigh("memory after logins", "and all requests before"); err != nil {
		return err
	}
	s.bare.stop() // it goes on hashing for those who have hung up
	return s.startBare(ctx)
}

// streams are openLoop's of some paths at once.
func (s *subject) streams(d time.Duration, paths []string) (late [][]time.Duration, err error) {
	late = make([][]time.Duration, len(paths))
	var group errgroup.Group
	for i, path := range paths {
		group.Go(func() (err error) {
			late[i], err = openLoop(s.api.url+path, bearer(s.token), stream, d)
			return err
		})
	}
	return late, group.Wait()
}

// rush is what the streams of one path met.
type rush struct {
	amid, floor   []time.Duration // while many log in; while another program hashes
	p99, floorP99 []float64       // of each turn, in milliseconds
}

// amongLogins takes streams while many log in and while another program hashes,
// by turns.
func (s *subject) amongLogins(ctx context.Context, paths ...string) ([]rush, error) {
	const rounds, turn = 5, 3 * time.Second
	met := make([]rush, len(paths))
	for range rounds {
		var amid, floor [][]time.Duration
		err := beside(ctx, func() (err error) {
			floor, err = s.streams(turn, paths)
			return err
		})
		if err != nil {
			return nil, err
		}
		var group errgroup.Group
		group.Go(func() error {
			_, err := closedLoop(inFlight, turn, always(inFlight, s.request("/login", credentials)))
			return errors.Join(err, s.settle())
		})
		group.Go(func() (err error) {
			amid, err = s.streams(turn, paths)
			return err
		})
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for i := range met {
			met[i].add(amid[i], floor[i])
		}
	}
	return met, nil
}

func (r *rush) add(amid, floor []time.Duration) {
	r.p99, r.floorP99 = append(r.p99, p99(amid)), append(r.floorP99, p99(floor))
	r.amid, r.floor = slices.Concat(r.amid, amid), slices.Concat(r.floor, floor)
	slices.Sort(r.amid)
	slices.Sort(r.floor)
}

func (r *report) setRush(name string, met rush) {
	r.set(name, median(met.p99)/median(met.floorP99), "the medians of %.1f ms over %.1f ms", met.p99, met.floorP99)
}

// settle waits for the hashes that were begun for clients who have hung up: a
// login is next, unless others still stand in line for nobody.
func (s *subject) settle() error {
	var answer fasthttp.Response
	var took [2]float64
	for i := range took {
		begun := time.Now()
		if err := fasthttp.Do(s.request("/login", credentials), &answer); err != nil {
			return err
		}
		if _, err := refreshToken(&answer); err != nil {
			return err
		}
		took[i] = time.Since(begun).Seconds()
	}
	s.settled = append(s.settled, took[0]/took[1])
	return nil
}
