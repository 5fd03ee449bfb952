package config

import "time"

// Events configures the events of accounts.
type Events struct {
	Keep time.Duration `mapstructure:"keep"`
}

func defaultEvents() Events { return Events{Keep: 2160 * time.Hour} }

func checkEvents(f *Faults, s *Settings) { f.checkPositive("events.keep", s.Events.Keep) }
