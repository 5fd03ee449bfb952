package throttle

import (
	"time"

	"example.com/latchkey/kit/settings"
)

// Settings are how often one may fail.
type Settings struct {
	MaxFailures int           `mapstructure:"max_failures"`
	Window      time.Duration `mapstructure:"window"`
}

// Defaults returns the settings of a server.
func Defaults() Settings { return Settings{MaxFailures: 10, Window: 15 * time.Minute} }

// Check adds the faults of the settings.
func (s Settings) Check(f settings.Section) {
	f.Positive("window", s.Window)
	f.AtLeast("max_failures", s.MaxFailures, 1, "no login would be allowed")
}
