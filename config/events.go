package config

import (
	"time"

	"example.com/latchkey/kit/settings"
)

// Events configures the events of accounts.
type Events struct {
	Keep time.Duration `mapstructure:"keep"`
}

func defaultEvents() Events { return Events{Keep: 2160 * time.Hour} }

func checkEvents(f settings.Section, s Events) { f.Positive("keep", s.Keep) }
