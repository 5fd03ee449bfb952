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
		const rounds, workers, turn = 40, 32, 250 * time.Millisecond
		apps := []*app{s.withDatabase("no metrics"), s.withDatabase("metrics", "APP_SERVER_METRICS_ADDRESS=127.0.0.1:0")}
		for _, of := range apps {
			if err := of.launch(ctx); err != nil {
				return err
			}
			defer of.api.stop()
		}
		var ratios []float64
		for range rounds {
			var perRequest [2]float64
			for i, of := range apps {
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
				perRequest[i] = (after - before).Seconds() / (rate * turn.Seconds())
			}
			if perRequest[0] > 0 {
				ratios = append(ratios, perRequest[1]/perRequest[0])
			}
		}
		if len(ratios) > 0 {
			s.made.set(metricsPromise, median(ratios), "%s", quartiles(ratios))
		}
		return nil
	}
}
