package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// figure is one thing measured, and what it comes from.
type figure struct {
	value float64
	from  string
}

type figures struct {
	protected, logins, p99, start, memory, size          figure
	refresh, refreshP99, refreshGrown, checkGrown, purge figure
}

// measure takes all figures, one after the other so that none disturbs another.
func measure(ctx context.Context) (made figures, err error) {
	folder, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return made, err
	}
	defer os.RemoveAll(folder)
	s := subject{folder: folder, program: filepath.Join(folder, "latchkey"), made: &made}
	defer func() { s.api.stop() }()
	for _, step := range []struct {
		name string
		take func(context.Context) error
	}{
		{"build", s.build},
		{"start, register and log in", s.begin},
		{"GET /protected and bare Gin by turns", s.compare},
		{"refreshes", s.refreshes},
		{"a million sessions", s.grown},
		{"logins", s.login},
		{"GET /protected among logins", s.storm},
		{"start again and again", s.restart},
	} {
		fmt.Println(step.name)
		if err := step.take(ctx); err != nil {
			return made, err
		}
	}
	return made, nil
}
