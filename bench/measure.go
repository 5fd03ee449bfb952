package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// step takes figures.
type step struct {
	name string
	take func(*bench)
}

// bench is a run, with the servers that all steps use.
type bench struct {
	ctx       context.Context
	folder    string
	api, bare *server
	alone     *server        // the API without parts
	ends      []func() error // of what has been started

	mu      sync.Mutex
	figures map[string][]float64 // by name, one of each turn
}

// measure takes the steps that match, one after the other, and returns the broken
// promises. What fails panics, and the servers end.
func measure(only *regexp.Regexp) (broken []string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 12*time.Minute)
	defer cancel()
	b := &bench{ctx: ctx, folder: must(os.MkdirTemp("", "latchkey-bench-")), figures: map[string][]float64{}}
	defer os.RemoveAll(b.folder)
	defer b.end(0)
	defer func() { broken = b.print() }() // also after a panic
	b.begin()
	kept := len(b.ends)
	for i, step := range steps {
		if only.MatchString(step.name) {
			started := time.Now()
			fmt.Printf("%d of %d: %s\n", i+1, len(steps), step.name)
			step.take(b)
			b.end(kept)
			fmt.Printf("  took %.0f s\n", time.Since(started).Seconds())
		}
	}
	return nil
}

// begin builds the programs as `make build` does, starts them, and adds some
// notes of a user.
func (b *bench) begin() {
	for program, source := range map[string]string{"latchkey": "..", "bare": "bare", "alone": "alone"} {
		command := exec.CommandContext(b.ctx, "go", "build", "-tags=nomsgpack", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(b.folder, program), ".")
		command.Dir, command.Env, command.Stderr = source, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		check(command.Run())
	}
	b.api = b.launch(os.Stderr)
	b.add("idle memory", b.api.memory())
	b.bare = b.start("bare", b.api.folder, os.Stderr, "HASH="+hash, "OWNER="+b.api.ask("/protected", "", "user_id"))
	b.bare.token = b.api.token
	b.alone = b.start("alone", must(os.MkdirTemp(b.folder, "")), os.Stderr, "APP_LOG_LEVEL=error")
	b.add("idle memory without parts", b.alone.memory())
	b.add("binary size", b.api.size())
	b.add("binary size without parts", b.alone.size())
	b.api.addNotes()
}

// end ends the last things that have been started, except for some.
func (b *bench) end(kept int) {
	for _, end := range slices.Backward(b.ends[kept:]) {
		_ = end() // a server that is interrupted may fail
	}
	b.ends = b.ends[:kept]
}

// take adds figures. It lasts about d.
type take func(d time.Duration) error

// turns repeats takes one after the other, so that other work on the machine affects all
// equally.
func (b *bench) turns(rounds int, d time.Duration, takes ...take) {
	for range rounds {
		for _, t := range takes {
			check(t(d))
		}
	}
}

// together does takes at the same time.
func together(takes ...take) take {
	return func(d time.Duration) error {
		var group errgroup.Group
		for _, t := range takes {
			group.Go(func() error { return t(d) })
		}
		return group.Wait()
	}
}

// send sends a load, and adds its figures: the answers per second by its name, and others
// by what they are. All times are in milliseconds. A fork may have removed the route.
func (b *bench) send(name string, l *load) take {
	return func(d time.Duration) error {
		before := l.server.processorTime()
		rate, delays, err := l.run(d)
		if l.answers[0].StatusCode() == http.StatusNotFound || err == nil && len(delays) == 0 { // all have hung up
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.add(name, rate)
		b.add("time of a "+name, quantile(delays, 0.5))
		b.add("p99 of "+name, quantile(delays, 0.99))
		b.add("slowest "+name, quantile(delays, 1))
		b.add("CPU of "+name, (l.server.processorTime()-before)/float64(len(delays)))
		b.add("delays of "+name, delays...)
		return nil
	}
}

func (b *bench) add(name string, figures ...float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.figures[name] = append(b.figures[name], figures...)
}

// print writes what was measured, and returns the broken promises.
func (b *bench) print() (broken []string) {
	fmt.Println("\n            FIGURE  PROMISE")
	for _, p := range promises {
		name, from, verdict := p.of, "", "kept"
		values, over := slices.Clone(b.figures[p.of]), b.figures[p.over]
		if len(values) == 0 {
			fmt.Printf("%-8s %9s  %s %-6g %-3s  %s\n", "left out", "", p.compare, p.limit, p.unit, name)
			continue
		}
		if p.over != "" {
			name += " over " + p.over
			from = fmt.Sprintf("; %.5g over %.5g", quantile(values, 0.5), quantile(over, 0.5))
			for i := range values {
				values[i] /= over[i]
			}
		}
		value := quantile(values, 0.5)
		if (value >= p.limit) != (p.compare == ">=") {
			verdict, broken = "BROKEN", append(broken, name)
		}
		fmt.Printf("%-8s %9.5g  %s %-6g %-3s  %s (half of %d from %.4g to %.4g%s)\n",
			verdict, value, p.compare, p.limit, p.unit, name, len(values), quantile(values, 0.25), quantile(values, 0.75), from)
	}
	return broken
}

// quantile is the value below which a share of the values are.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
