package main

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/valyala/fasthttp"

	"example.com/latchkey/kit/apptest/postgres"
)

// onPostgres measures on PostgreSQL with its default settings, so that each answered
// change is on the disk.
func (s *app) onPostgres(ctx context.Context) (err error) {
	server, err := postgres.Start()
	if errors.Is(err, exec.ErrNotFound) {
		s.made.leftOut += "PostgreSQL is not installed; "
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	p := s.withDatabase("postgres", "APP_DATABASE_URL="+server.URL)
	if err := p.launch(ctx); err != nil {
		return err
	}
	defer p.api.stop()

	const rounds, workers, turn = 5, 32, time.Second
	var ratios []float64
	for range rounds {
		var rates [2]float64
		for i, request := range []*fasthttp.Request{s.request("/protected", ""), p.request("/protected", "")} {
			if rates[i], err = closedLoop(workers, turn, always(workers, request)); err != nil {
				return err
			}
		}
		ratios = append(ratios, rates[1]/rates[0])
	}
	s.made.set("GET /protected on PostgreSQL over SQLite", median(ratios), "the median of %.2f", ratios)

	rate, durations, err := p.refreshLoop(refreshers, 6*time.Second)
	if err != nil {
		return err
	}
	s.made.set("refreshes on PostgreSQL", rate, "%d clients, each answer on the disk; p99 %.1f ms", refreshers, p99(durations))

	measured, err := p.amongLogins(ctx, "/protected")
	if err != nil {
		return err
	}
	s.made.setLatencies("p99 of it among logins over the floor", measured[0])
	return nil
}
