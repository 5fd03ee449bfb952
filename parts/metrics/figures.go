package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"example.com/latchkey/accounts"
	"example.com/latchkey/app"
)

// serviceFigures returns the figures of passwords and sessions.
func serviceFigures(s accounts.Services) []app.Figure {
	return []app.Figure{
		{Name: "password_hashes_running", Help: "Password hashes that run.", Value: func() float64 { running, _, _ := s.Passwords.Load(); return float64(running) }},
		{Name: "password_hashes_waiting", Help: "Password hashes that wait for their turn.", Value: func() float64 { _, waiting, _ := s.Passwords.Load(); return float64(waiting) }},
		{
			Name: "password_hashes_refused_total", Counts: true,
			Help:  "Password hashes that would have waited, or have waited, for longer than password.max_wait.",
			Value: func() float64 { _, _, refused := s.Passwords.Load(); return float64(refused) },
		},
		{Name: "sessions_cached", Help: "Sessions and other credentials in the cache of this process.", Value: func() float64 { return float64(s.Sessions.CachedCount()) }},
	}
}

func collectorOf(figure app.Figure) prometheus.Collector {
	if figure.Counts {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: figure.Name, Help: figure.Help}, figure.Value)
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: figure.Name, Help: figure.Help}, figure.Value)
}
