// Command dashboard draws docs/dashboard.svg: what deploy/grafana-dashboard.json shows
// of a Prometheus.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"log"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// panel has a position in units of which the dashboard is 24 wide.
type panel struct {
	Title       string
	GridPos     struct{ X, Y, W, H vg.Length }
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Custom struct{ ScaleDistribution struct{ Type string } }
		}
	}
	Targets []struct{ Expr, LegendFormat string }
}

const (
	unitX, unitY, margin  vg.Length = 28, 23, 5
	nameWidth, nameHeight vg.Length = 4 * unitX, 11 // of a line in the legend
)

// formats write a value in the unit of its panel, as Grafana names it.
var formats = map[string]func(float64) string{
	"short":       func(v float64) string { return fmt.Sprintf("%.3g", v) },
	"reqps":       func(v float64) string { return fmt.Sprintf("%.3g/s", v) },
	"percentunit": func(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) },
	"bytes":       func(v float64) string { return fmt.Sprintf("%.0f MiB", v/(1<<20)) },
	"s":           func(v float64) string { return time.Duration(math.Round(v * 1e9)).String() },
}

// source is a Prometheus, and the time to ask it for.
type source struct {
	url    string
	begin  time.Time
	length time.Duration
}

// step is the time between two values.
func (s source) step() time.Duration { return s.length / 120 }

// series has pairs of a Unix time and the text of a value.
type series struct {
	Metric map[string]string
	Values [][2]any
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("use: dashboard URL BEGIN LENGTH, such as http://127.0.0.1:9090 2026-11-28T12:00:00Z 10m")
	}
	begin, err := time.Parse(time.RFC3339, os.Args[2])
	length, err2 := time.ParseDuration(os.Args[3])
	text, err3 := os.ReadFile("../deploy/grafana-dashboard.json")
	var dashboard struct{ Panels []panel }
	if err := errors.Join(err, err2, err3, json.Unmarshal(text, &dashboard)); err != nil {
		log.Fatal(err)
	}
	picture, err := source{os.Args[1], begin, length}.draw(dashboard.Panels)
	if err == nil {
		err = os.WriteFile("../docs/dashboard.svg", picture, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func (s source) draw(panels []panel) ([]byte, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	var height vg.Length
	for _, p := range panels {
		height = max(height, (p.GridPos.Y+p.GridPos.H)*unitY)
	}
	svg := vgsvg.New(24*unitX, height)
	sheet := draw.New(svg)
	sheet.SetColor(color.White)
	sheet.Fill(sheet.Path())
	for _, p := range panels {
		at := p.GridPos
		place := vg.Rectangle{Min: vg.Point{X: at.X * unitX, Y: height - (at.Y+at.H)*unitY}, Max: vg.Point{X: (at.X + at.W) * unitX, Y: height - at.Y*unitY}}
		if err := s.drawPanel(p, draw.Crop(draw.Canvas{Canvas: sheet, Rectangle: place}, margin, -margin, margin, -margin)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Title, err)
		}
	}
	var picture bytes.Buffer
	_, err := svg.WriteTo(&picture)
	return bytes.ReplaceAll(picture.Bytes(), []byte("Liberation Sans;"), []byte("Liberation Sans,Arial,sans-serif;")), err
}

// drawPanel draws the chart of a panel, and the names of its lines below.
func (s source) drawPanel(p panel, place draw.Canvas) error {
	if formats[p.FieldConfig.Defaults.Unit] == nil {
		return fmt.Errorf("there is no format for the unit %q", p.FieldConfig.Defaults.Unit)
	}
	chart := plot.New()
	chart.Title.Text = p.Title
	chart.Title.TextStyle.Font.Size, chart.X.Tick.Label.Font.Size, chart.Y.Tick.Label.Font.Size = 10, 8, 8
	chart.Add(plotter.NewGrid())
	legends := make([]plot.Legend, int(p.GridPos.W*unitX/nameWidth)) // one for each column of names
	for i := range legends {
		legends[i] = plot.NewLegend()
		legends[i].Top, legends[i].Left, legends[i].Padding, legends[i].ThumbnailWidth, legends[i].TextStyle.Font.Size = true, true, 3, 10, 8
	}
	names := 0
	for _, target := range p.Targets {
		answer, err := s.ask(target.Expr)
		if err != nil {
			return err
		}
		for _, one := range answer {
			style := draw.LineStyle{Color: plotutil.DarkColors[names%7], Width: 1, Dashes: plotutil.Dashes(names / 7)}
			for _, points := range s.withoutGaps(one) {
				chart.Add(&plotter.Line{XYs: points, LineStyle: style})
			}
			name := target.LegendFormat
			for label, value := range one.Metric {
				name = strings.ReplaceAll(name, "{{"+label+"}}", value)
			}
			legends[names%len(legends)].Add(name, &plotter.Line{LineStyle: style})
			names++
		}
	}
	if names == 0 {
		legends[0].Add("no data")
	}
	s.scale(chart, p)
	below := vg.Length(max(1, (names+len(legends)-1)/len(legends))) * nameHeight
	chart.Draw(draw.Crop(place, 0, 0, below+margin, 0))
	for i, legend := range legends {
		legend.Draw(draw.Crop(place, vg.Length(i)*nameWidth, 0, 0, below-place.Size().Y))
	}
	return nil
}

// scale sets the axes of a chart that has its lines.
func (s source) scale(chart *plot.Plot, p panel) {
	x, y, defaults := &chart.X, &chart.Y, p.FieldConfig.Defaults
	x.Min, x.Max, x.Tick.Marker = 0, s.length.Minutes(), ticks(plot.DefaultTicks{}, func(v float64) string { return fmt.Sprintf("%g min", v) })
	if math.IsInf(y.Max, 0) || y.Max <= 0 { // no line, or zeros
		y.Min, y.Max = 0.1, 1
	}
	if defaults.Custom.ScaleDistribution.Type == "log" {
		y.Min, y.Max = math.Pow(10, math.Floor(math.Log10(y.Min))), math.Pow(10, math.Ceil(math.Log10(y.Max)))
		y.Scale, y.Tick.Marker = plot.LogScale{}, ticks(plot.LogTicks{Prec: -1}, formats[defaults.Unit])
	} else {
		y.Min, y.Max, y.Tick.Marker = 0, 1.04*y.Max, ticks(plot.DefaultTicks{}, formats[defaults.Unit])
	}
}

// ticks are those of another ticker with labels in the format.
func ticks(of plot.Ticker, format func(float64) string) plot.Ticker {
	return plot.TickerFunc(func(low, high float64) []plot.Tick {
		all := of.Ticks(low, high)
		for i := range all {
			if !all[i].IsMinor() {
				all[i].Label = format(all[i].Value)
			}
		}
		return all
	})
}

// ask takes a minute for $__rate_interval, as Grafana does with a scrape every 15 s.
func (s source) ask(query string) ([]series, error) {
	answer, err := http.PostForm(s.url+"/api/v1/query_range", url.Values{
		"query": {strings.NewReplacer("$__rate_interval", "1m", "$job", "latchkey").Replace(query)},
		"start": {s.begin.Format(time.RFC3339)}, "end": {s.begin.Add(s.length).Format(time.RFC3339)}, "step": {s.step().String()},
	})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body struct {
		Error string
		Data  struct{ Result []series }
	}
	err = json.NewDecoder(answer.Body).Decode(&body)
	if body.Error != "" {
		err = errors.New(body.Error)
	}
	return body.Data.Result, err
}

// withoutGaps returns the points of a series in parts, with no line from one to the next.
func (s source) withoutGaps(of series) (parts []plotter.XYs) {
	last := math.Inf(-1)
	for _, pair := range of.Values {
		value, err := strconv.ParseFloat(pair[1].(string), 64)
		if err != nil || math.IsNaN(value) {
			continue
		}
		minute := (pair[0].(float64) - float64(s.begin.Unix())) / 60
		if minute-last > 1.5*s.step().Minutes() {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], plotter.XY{X: minute, Y: value})
		last = minute
	}
	return parts
}
