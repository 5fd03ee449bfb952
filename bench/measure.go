package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// figure is one thing measured, and what it comes from.
type figure struct {
	value float64
	from  string
}

// operation is how often a request is answered, beside the same of a bare Gin
// route or of raw bcrypt in the same run.
type operation struct {
	name                       string
	rate, overBare, overBcrypt float64
}

// report is all that was measured.
type report struct {
	figures    map[string]figure
	operations []operation
	curves     []curve
	leftOut    string // why a figure is missing
}

func (r *report) set(name string, value float64, from string, args ...any) {
	r.figures[name] = figure{value, fmt.Sprintf(from, args...)}
}

// measure takes all figures, one after the other so that none disturbs another.
func measure(ctx context.Context) (made *report, err error) {
	made = &report{figures: map[string]figure{}}
	folder, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return made, err
	}
	defer os.RemoveAll(folder)
	fmt.Println("building")
	s := subject{folder: folder, program: filepath.Join(folder, "latchkey"), plain: filepath.Join(folder, "bare"), stderr: os.Stderr, made: made}
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
		{"start, register and log in", s.begin},
		{"requests and bare Gin by turns", s.compare},
		{"refreshes", s.refreshes},
		{"logins and registrations, and raw bcrypt", s.hashing},
		{"GET /protected among logins", s.storm},
		{"PostgreSQL", s.onPostgres},
		{"1, 10 thousand and a million users", s.grown},
		{"10,000 idle connections", s.crowd},
		{"start again and again", s.restart},
	}
	for i, step := range steps {
		begun := time.Now()
		fmt.Printf("%d of %d: %s\n", i+1, len(steps), step.name)
		if err := step.take(ctx); err != nil {
			return made, fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("  took %.0f s\n", time.Since(begun).Seconds())
	}
	return made, nil
}
