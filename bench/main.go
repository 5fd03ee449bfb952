// Command bench compares Latchkey with a bare Gin route, the libraries alone and raw
// bcrypt in one run on this machine. It fails if a promise is broken.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// limit is the time limit of the measurements, without the build.
const limit = 12 * time.Minute

// promise is the required value of a figure.
type promise struct {
	name    string
	compare string
	bound   float64
	unit    string
}

var promises = []promise{
	{"GET /protected over bare Gin", ">=", 0.75, ""},
	{"the same with a line of log each", ">=", 0.60, ""},
	{"the same with a new token each over golang-jwt alone", ">=", 0.8, ""},
	{"a page of notes over GORM alone", ">=", 0.8, ""},
	{keyPromise, ">=", 0.9, ""},
	{metricsPromise, "<=", 1.03, ""},
	{"refreshes over bare Gin", ">=", 0.08, ""},
	{"p99 of a refresh", "<", 15, "ms"},
	{"throttle and event of a login over a hash", "<=", 0.01, ""},
	{"logins over raw bcrypt", ">=", 0.95, ""},
	{"registrations over raw bcrypt", ">=", 0.95, ""},
	{"p99 of GET /protected among logins over the floor", "<=", 2, ""},
	{"the same of GET /healthz", "<=", 2, ""},
	{"the same of GET /readyz", "<=", 2, ""},
	{"p99 of GET /protected among logins over without", "<=", 8, ""},
	{"the same over that of bare Gin", "<=", 0.01, ""},
	{"login after 64 have hung up over one alone", "<=", 4, ""},
	{"login beside 200 of one address over a hash", "<=", 3, ""},
	{"refused logins", ">=", 2000, "/s"},
	{"p99 of GET /protected among 2,000 of them a second over without", "<=", 2, ""},
	{"GET /protected on PostgreSQL over SQLite", ">=", 0.9, ""},
	{"refreshes on PostgreSQL", ">=", 1000, "/s"},
	{"p99 of it among logins over the floor", "<=", 2, ""},
	{"login, 1 user over 10 thousand", "<=", 1.2, ""},
	{"login, 1 user over a million", "<=", 1.2, ""},
	{"refresh, 1 session over 10 thousand", "<=", 1.2, ""},
	{"refresh, 1 session over a million", "<=", 1.2, ""},
	{"session check, 1 over 10 thousand", "<=", 1.2, ""},
	{"session check, 1 over a million", "<=", 1.2, ""},
	{"page of notes, 1 user over 10 thousand", "<=", 1.2, ""},
	{"page of notes, 1 user over a million", "<=", 1.2, ""},
	{"slowest refresh during a purge", "<=", 50, "ms"},
	{queuePromise, "<=", 1.3, ""},
	{"memory with 10,000 idle connections", "<", 300, "MiB"},
	{"p99 of GET /protected among them", "<", 20, "ms"},
	{"start to the first answer over bare Gin's", "<=", 4, ""},
	{"idle CPU", "<", 0.3, "%"},
	{"idle memory", "<", 36, "MiB"},
	{"memory after logins", "<", 100, "MiB"},
	{"binary size", "<", 36, "MiB"},
}

func (p promise) isKept(value float64) bool {
	switch p.compare {
	case ">=":
		return value >= p.bound
	case "<=":
		return value <= p.bound
	}
	return value < p.bound
}

func main() {
	run := bench
	if len(os.Args) == 2 && os.Args[1] == hashArgument {
		run = hashForever
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench() error {
	runtime.GOMAXPROCS(16) // because each clock of openLoop blocks a thread
	debug.SetGCPercent(-1) // so that its own garbage collector does not disturb it
	debug.SetMemoryLimit(1 << 30)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	made, err := measure(ctx)
	if err != nil {
		return err
	}
	if err := made.draw("../docs/bench.svg"); err != nil {
		return err
	}
	return made.print()
}

// print writes the two tables. The error names the broken promises.
func (r *report) print() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nREQUEST\tPER SECOND\tOVER BARE GIN\tOVER RAW BCRYPT")
	for _, o := range r.operations {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", o.name, formatNumber(o.rate), formatNumber(o.overBare), formatNumber(o.overBcrypt))
	}
	var broken []string
	fmt.Fprintln(table, "\nPROMISE\tMEASURED\tPROMISED\t\tFROM")
	for _, p := range promises {
		made, ok := r.figures[p.name]
		verdict := "kept"
		switch {
		case !ok:
			fmt.Fprintf(table, "%s\t\t%s %g %s\tleft out\t%s\n", p.name, p.compare, p.bound, p.unit, r.leftOut)
			continue
		case !p.isKept(made.value):
			verdict = "BROKEN"
			broken = append(broken, p.name)
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s %g %s\t%s\t%s\n", p.name, formatNumber(made.value), p.unit, p.compare, p.bound, p.unit, verdict, made.from)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(broken) > 0 {
		return errors.New("broken: " + strings.Join(broken, ", "))
	}
	return nil
}

// formatNumber writes three digits or a whole number, and nothing for 0.
func formatNumber(value float64) string {
	switch {
	case value == 0:
		return ""
	case value >= 1000:
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}
