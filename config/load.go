package config

import "example.com/latchkey/kit/settings"

// Load reads the defaults, then file, then the environment, as settings.Faults.Read does.
// The error is a settings.Faults with everything that is wrong.
func Load(file string, environ []string, sections ...Section) (Settings, error) {
	var faults settings.Faults
	s := Defaults(sections...)
	s.Ignored = faults.Read(file, environ, &s, s.others(sections)...)
	check(&faults, &s, sections)
	if len(faults) > 0 {
		return Settings{}, faults
	}
	return s, nil
}

// others are the settings of the sections.
func (s Settings) others(sections []Section) (all []settings.Other) {
	for _, section := range sections {
		all = append(all, settings.Other{Section: section.name, Into: s.sections[section.of]})
	}
	return all
}
