package config

// Metrics are the settings of Server for metrics.
type Metrics struct {
	MetricsAddress string `mapstructure:"metrics_address"` // HOST:PORT, or empty for none
}

func checkMetrics(f *Faults, s Server) {
	if s.MetricsAddress == "" {
		return
	}
	f.checkAddress("server.metrics_address", s.MetricsAddress)
}
