package config

import "example.com/latchkey/kit/settings"

// Metrics are the settings of Server for metrics.
type Metrics struct {
	MetricsAddress string `mapstructure:"metrics_address"` // HOST:PORT, or empty for none
}

func checkMetrics(f settings.Section, s Server) {
	if s.MetricsAddress == "" {
		return
	}
	f.Address("metrics_address", s.MetricsAddress)
}
