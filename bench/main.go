// Command bench measures Latchkey against a bare Gin route and raw bcrypt, on
// this machine and in one run, and fails where a promise is broken.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"
)

// limit bounds the whole run; a first build takes most of it.
const limit = 5 * time.Minute

type promise struct {
	name    string
	made    figure
	compare string
	bound   float64
	unit    string
}

// promises are all that is promised, each beside what was measured.
func promises(f figures) []promise {
	return []promise{
		{"GET /protected over bare Gin", f.protected, ">=", 0.60, ""},
		{"refreshes", f.refresh, ">=", 3500, "/s"},
		{"p99 of a refresh", f.refreshP99, "<", 15, "ms"},
		{"refresh, empty over a million sessions", f.refreshGrown, "<=", 1.2, ""},
		{"session check, the same", f.checkGrown, "<=", 1.2, ""},
		{"slowest refresh during a purge", f.purge, "<=", 50, "ms"},
		{"logins over raw bcrypt", f.logins, ">=", 0.95, ""},
		{"p99 of GET /protected among logins", f.p99, "<=", 10, "ms"},
		{"start to the first answer", f.start, "<", 100, "ms"},
		{"idle memory", f.memory, "<", 30, "MiB"},
		{"binary size", f.size, "<", 30, "MiB"},
	}
}

func (p promise) kept() bool {
	switch p.compare {
	case ">=":
		return p.made.value >= p.bound
	case "<=":
		return p.made.value <= p.bound
	}
	return p.made.value < p.bound
}

func main() {
	run := bench
	if len(os.Args) == 3 && os.Args[1] == bareArgument {
		run = func() error { return serveBare(os.Args[2]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	made, err := measure(ctx)
	if err != nil {
		return err
	}
	var broken []string
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nPROMISE\tMEASURED\tPROMISED\t\tFROM")
	for _, p := range promises(made) {
		verdict := "kept"
		if !p.kept() {
			verdict = "BROKEN"
			broken = append(broken, p.name)
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s %g %s\t%s\t%s\n", p.name, short(p.made.value), p.unit, p.compare, p.bound, p.unit, verdict, p.made.from)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(broken) > 0 {
		return errors.New("broken: " + strings.Join(broken, ", "))
	}
	return nil
}

// short is three digits, or a whole number.
func short(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}
