package auth

import "github.com/prometheus/client_golang/prometheus"

// Collectors returns the figures of passwords and sessions for Prometheus.
func (s Services) Collectors() []prometheus.Collector {
	queue, cache := s.Passwords.queue, s.Sessions.cache
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	return []prometheus.Collector{
		gauge("password_hashes_running", "Password hashes that run.", func() int { running, _ := queue.count(); return running }),
		gauge("password_hashes_waiting", "Password hashes that wait for their turn.", func() int { _, waiting := queue.count(); return waiting }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "password_hashes_refused_total",
			Help: "Password hashes that would have waited, or have waited, for longer than password.max_wait.",
		}, func() float64 { return float64(queue.refused.Load()) }),
		gauge("sessions_cached", "Sessions and other credentials in the cache of this process.", cache.count),
	}
}

func (q *hashQueue) count() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.turns.all.requests
}

func (c *userCache) count() int {
	if c.credentials == nil {
		return 0
	}
	return c.credentials.EstimatedSize()
}
