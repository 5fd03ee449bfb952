package config

import "example.com/latchkey/kit/settings"

// Load reads the defaults, then file, then the environment, as settings.Faults.Read does.
// The error is a settings.Faults with everything that is wrong.
func Load(file string, environ []string) (Settings, error) {
	var faults settings.Faults
	s := Defaults()
	s.Ignored = faults.Read(file, environ, &s)
	check(&faults, &s)
	if len(faults) > 0 {
		return Settings{}, faults
	}
	return s, nil
}
