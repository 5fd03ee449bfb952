package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// figure is a measured value, with how it was measured.
type figure struct {
	value float64
	from  string
}

// operation is the rate of a request, and its ratio to a bare Gin route or to raw
// bcrypt in the same run.
type operation struct {
	name                       string
	rate, overBare, overBcrypt float64
}

// report has all results.
type report struct {
	figures    map[string]figure
	operations []operation
	curves     []curve
	leftOut    string // why a figure is missing
}

func (r *report) set(name string, value float64, from string, args ...any) {
	r.figures[name] = figure{value, fmt.Sprintf(from, args...)}
}

// measure runs all measurements, one after the other.
func measure(ctx context.Context) (made *report, err error) {
	made = &report{figures: map[string]figure{}}
	folder, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return made, err
	}
	defer os.RemoveAll(folder)
	fmt.Println("building")
	s := app{
		folder: folder, program: filepath.Join(folder, "latchkey"), bareProgram: filepath.Join(folder, "bare"), plainProgram: filepath.Join(folder, "plain"),
		stderr: os.Stderr, made: made,
	}
	if err := s.build(ctx); err != nil {
		return made, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		s.bare.stop()
		s.api.stop()
	}()
	steps := []struct {
		name string
		take func(context.Context) error
	}{
		{"start, register and log in", s.launchBoth},
		{"requests and bare Gin by turns", s.compare},
		{"API keys and access tokens by turns", keyTurns(&s)},
		{"metrics by turns", metricsTurns(&s)},
		{"refreshes", s.refreshes},
		{"logins and registrations, and raw bcrypt", s.hashing},
		{"GET /protected among logins", s.loginLoad},
		{"logins beside 200 of one address", s.crowd},
		{"refused logins", s.refusals},
		{"PostgreSQL", s.onPostgres},
		{"1, 10 thousand and a million users", s.databaseSizes},
		{"10,000 mails", mailQueue(&s)},
		{"10,000 idle connections", s.idleConnections},
		{"start again and again", s.restart},
		{"nothing to do", s.idle},
	}
	for i, step := range steps {
		started := time.Now()
		fmt.Printf("%d of %d: %s\n", i+1, len(steps), step.name)
		if err := step.take(ctx); err != nil {
			return made, fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("  took %.0f s\n", time.Since(started).Seconds())
	}
	return made, nil
}
