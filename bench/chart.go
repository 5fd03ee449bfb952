package main

import (
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// curve has the sorted delays of the answers of one run.
type curve struct {
	name   string
	delays []time.Duration
}

// draw writes a chart of the curves to a file: the delay below which x percent of
// the answers are.
func (r *report) draw(file string) error {
	chart := plot.New()
	chart.Title.Text = "200 requests a second, alone and while 64 clients log in"
	chart.X.Label.Text = "answered in time, % of requests"
	chart.Y.Label.Text = "ms after the scheduled time"
	chart.Y.Scale = plot.LogScale{}
	chart.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	chart.Legend.Top, chart.Legend.Left = true, true
	chart.Add(plotter.NewGrid())
	for i, c := range r.curves {
		var points plotter.XYs
		for percent := 1; percent < 100; percent++ {
			delay := c.delays[len(c.delays)*percent/100].Seconds() * 1000
			points = append(points, plotter.XY{X: float64(percent), Y: max(delay, 0.01)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		chart.Add(line)
		chart.Legend.Add(c.name, line)
	}
	return chart.Save(8*vg.Inch, 4*vg.Inch, file)
}
