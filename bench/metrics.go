package main

import (
	"context"
	"time"
)

const metricsPromise = "CPU of GET /protected with metrics over without"

// metricsTurns compares GET /protected with and without metrics, in turns, by the CPU
// time of a request: a rate differs by more from turn to turn.
func metricsTurns(s *app) func(context.Context) error {
	return func(ctx context.Context) error {
		const rounds, workers, turn = 8, 32, time.Second
		measured := s.withDatabase("metrics", "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")
		if err := measured.launch(ctx); err != nil {
			return err
		}
		defer measured.api.stop()
		var used, answers [2]float64
		for range rounds {
			for i, of := range []*app{s, measured} {
				before, err := processorTime(of.api)
				if err != nil {
					return err
				}
				rate, err := closedLoop(workers, turn, always(workers, of.request("/protected", "")))
				if err != nil {
					return err
				}
				after, err := processorTime(of.api)
				if err != nil {
					return err
				}
				used[i], answers[i] = used[i]+(after-before).Seconds(), answers[i]+rate*turn.Seconds()
			}
		}
		if without, with := used[0]/answers[0], used[1]/answers[1]; without > 0 {
			s.made.set(metricsPromise, with/without, "%.1f over %.1f µs a request", with*1e6, without*1e6)
		}
		return nil
	}
}
