package commands

import (
	"github.com/prometheus/client_golang/prometheus"

	"example.com/latchkey/accounts"
)

// serviceFigures returns the figures of passwords and sessions for Prometheus.
func serviceFigures(s accounts.Services) []prometheus.Collector {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	return []prometheus.Collector{
		gauge("password_hashes_running", "Password hashes that run.", func() int { running, _, _ := s.Passwords.Load(); return running }),
		gauge("password_hashes_waiting", "Password hashes that wait for their turn.", func() int { _, waiting, _ := s.Passwords.Load(); return waiting }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "password_hashes_refused_total",
			Help: "Password hashes that would have waited, or have waited, for longer than password.max_wait.",
		}, func() float64 { _, _, refused := s.Passwords.Load(); return float64(refused) }),
		gauge("sessions_cached", "Sessions and other credentials in the cache of this process.", s.Sessions.Cached),
	}
}
