package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
)

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// compare takes turns, so that whatever else the machine does meets both alike.
func (s *subject) compare(ctx context.Context) error {
	const rounds, workers, turn = 5, 32, 2 * time.Second
	address, err := freeAddress()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := start(ctx, s.folder, address, "/", []string{}, self, bareArgument, address)
	if err != nil {
		return err
	}
	defer bare.stop()
	base := new(fasthttp.Request)
	base.SetRequestURI(bare.url)
	ratios := make([]float64, rounds)
	for i := range ratios {
		of, err := closedLoop(base, workers, turn)
		if err != nil {
			return err
		}
		rate, err := closedLoop(s.request("/protected", ""), workers, turn)
		if err != nil {
			return err
		}
		ratios[i] = rate / of
		fmt.Printf("  %.0f/s over %.0f/s\n", rate, of)
	}
	s.made.protected = figure{median(ratios), fmt.Sprintf("the median of %.2f", ratios)}
	return nil
}

const (
	inFlight = 64
	lasting  = 12 * time.Second
)

// login logs in all the time; the hashes alone are counted before and after,
// for a machine's speed drifts.
func (s *subject) login(context.Context) error {
	before, err := rawBcrypt()
	if err != nil {
		return err
	}
	rate, err := closedLoop(s.request("/login", credentials), inFlight, lasting)
	if err != nil {
		return err
	}
	after, err := rawBcrypt()
	if err != nil {
		return err
	}
	s.made.logins = figure{rate / ((before + after) / 2), fmt.Sprintf("%.2f/s over %.2f/s before and %.2f/s after, %d in flight", rate, before, after, inFlight)}
	return nil
}

// storm logs in all the time, and measures what is left for others.
func (s *subject) storm(context.Context) error {
	const perSecond = 200
	var p99 time.Duration
	var group errgroup.Group
	group.Go(func() error {
		_, err := closedLoop(s.request("/login", credentials), inFlight, lasting)
		return err
	})
	group.Go(func() (err error) {
		header := http.Header{"Authorization": {"Bearer " + s.token}}
		p99, err = openLoop(s.api.url+"/protected", header, perSecond, lasting)
		return err
	})
	err := group.Wait()
	s.made.p99 = figure{p99.Seconds() * 1000, fmt.Sprintf("%d/s from their scheduled times, %d logins in flight", perSecond, inFlight)}
	return err
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
	s.made.start = figure{median(took), fmt.Sprintf("the median of %.0f", took)}
	return nil
}
