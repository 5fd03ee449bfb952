package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// metrics compares GET /protected with and without metrics, in turns, by the CPU time
// of a request: a rate differs by more from turn to turn.
func (s *app) metrics(ctx context.Context) error {
	const rounds, workers, turn = 8, 32, time.Second
	measured := s.withDatabase("metrics", "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")
	check := exec.CommandContext(ctx, s.program, "config", "check") //nolint:gosec // the program that this one has built
	check.Dir, check.Env = s.folder, measured.environ
	if check.Run() != nil {
		s.made.leftOut += "there are no metrics; "
		return nil
	}
	if err := measured.launch(ctx); err != nil {
		return err
	}
	defer measured.api.stop()
	var used, answers [2]float64
	for range rounds {
		for i, of := range []*app{s, measured} {
			before, err := cpuSeconds(of.api)
			if err != nil {
				s.made.leftOut += "the system does not report CPU times; "
				return nil
			}
			rate, err := closedLoop(workers, turn, always(workers, of.request("/protected", "")))
			if err != nil {
				return err
			}
			after, err := cpuSeconds(of.api)
			if err != nil {
				return err
			}
			used[i], answers[i] = used[i]+after-before, answers[i]+rate*turn.Seconds()
		}
	}
	without, with := used[0]/answers[0], used[1]/answers[1]
	s.made.set("CPU of GET /protected with metrics over without", with/without, "%.1f over %.1f µs a request", with*1e6, without*1e6)
	return nil
}

// cpuSeconds is the CPU time that a server has used, in hundredths of a second (see
// proc(5)).
func cpuSeconds(s *server) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, fields, _ := strings.Cut(string(text), ") ") // after the program's name, from the third field on
	times := strings.Fields(fields)[11:13]
	user, err := strconv.ParseFloat(times[0], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(times[1], 64)
	return (user + system) / 100, err
}
