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

const stream = 200 // requests per second during the logins

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// loginLoad measures other requests while many clients log in, on Latchkey and on
// bare Gin, which hashes all logins at once.
func (s *app) loginLoad(ctx context.Context) error {
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
	measured, err := s.amongLogins(ctx, paths...)
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
	during := measured[0].during
	s.made.curves = []curve{
		{"bare Gin among logins", bareDuring},
		{"Latchkey among logins", during},
		{"Latchkey beside a program that hashes", measured[0].floor},
		{"Latchkey alone", before[0]},
		{"bare Gin alone", bareBefore},
	}
	for i, name := range []string{"p99 of GET /protected among logins over the floor", "the same of GET /healthz", "the same of GET /readyz"} {
		s.made.setLatencies(name, measured[i])
	}
	s.made.set("p99 of GET /protected among logins over without", p99(during)/p99(before[0]), "%.2f ms over %.2f ms", p99(during), p99(before[0]))
	s.made.set("the same over that of bare Gin", p99(during)/p99(bareDuring), "%.2f ms over %.0f ms; bare Gin's without logins %.2f ms", p99(during), p99(bareDuring), p99(bareBefore))
	s.made.set("login after 64 have hung up over one alone", median(s.loginRatios), "the median of %.2f", s.loginRatios)
	if err := s.measureMemory("memory after logins", "and all requests before"); err != nil {
		return err
	}
	s.bare.stop() // it still hashes for clients that have disconnected
	return s.startBare(ctx)
}

// streams runs openLoop for several paths at once.
func (s *app) streams(d time.Duration, paths []string) (delays [][]time.Duration, err error) {
	delays = make([][]time.Duration, len(paths))
	var group errgroup.Group
	for i, path := range paths {
		group.Go(func() (err error) {
			delays[i], err = openLoop(s.api.url+path, bearer(s.token), stream, d)
			return err
		})
	}
	return delays, group.Wait()
}

// latencies are the results of one path.
type latencies struct {
	during, floor []time.Duration // while many log in; while another program hashes
	p99, floorP99 []float64       // of each turn, in milliseconds
}

// amongLogins measures, in turns, while many clients log in and while another program
// hashes.
func (s *app) amongLogins(ctx context.Context, paths ...string) ([]latencies, error) {
	const rounds, turn = 5, 3 * time.Second
	measured := make([]latencies, len(paths))
	for range rounds {
		var during, floor [][]time.Duration
		err := whileHashing(ctx, func() (err error) {
			floor, err = s.streams(turn, paths)
			return err
		})
		if err != nil {
			return nil, err
		}
		var group errgroup.Group
		group.Go(func() error {
			_, err := closedLoop(inFlight, turn, always(inFlight, s.request("/login", credentials)))
			return errors.Join(err, s.waitForHashes())
		})
		group.Go(func() (err error) {
			during, err = s.streams(turn, paths)
			return err
		})
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for i := range measured {
			measured[i].add(during[i], floor[i])
		}
	}
	return measured, nil
}

func (r *latencies) add(during, floor []time.Duration) {
	r.p99, r.floorP99 = append(r.p99, p99(during)), append(r.floorP99, p99(floor))
	r.during, r.floor = slices.Concat(r.during, during), slices.Concat(r.floor, floor)
	slices.Sort(r.during)
	slices.Sort(r.floor)
}

func (r *report) setLatencies(name string, measured latencies) {
	r.set(name, median(measured.p99)/median(measured.floorP99), "the medians of %.1f ms over %.1f ms", measured.p99, measured.floorP99)
}

// waitForHashes logs in twice: after the hashes for disconnected clients, and alone.
// The first login is slow if those hashes are still waiting.
func (s *app) waitForHashes() error {
	var answer fasthttp.Response
	var took [2]float64
	for i := range took {
		started := time.Now()
		if err := fasthttp.Do(s.request("/login", credentials), &answer); err != nil {
			return err
		}
		if _, err := refreshToken(&answer); err != nil {
			return err
		}
		took[i] = time.Since(started).Seconds()
	}
	s.loginRatios = append(s.loginRatios, took[0]/took[1])
	return nil
}
