package metrics

import (
	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
)

// Settings say where metrics are served.
type Settings struct {
	MetricsAddress string `mapstructure:"metrics_address"` // HOST:PORT, or empty for none
}

func check(f *settings.Faults, _ config.Settings, s Settings) {
	if s.MetricsAddress != "" {
		f.Section("server").Address("metrics_address", s.MetricsAddress)
	}
}
