package config

import (
	"reflect"

	"example.com/latchkey/kit/settings"
)

// Section is a section of the settings that a part of the program adds. Several may have
// keys of one section. Make it with NewSection.
type Section struct {
	name  string
	of    reflect.Type // of a pointer to the settings
	new   func() any
	check func(f *settings.Faults, s Settings, of any)
}

// NewSection makes the section of a struct with its default settings, whose tags are named
// mapstructure. check adds a fault for each value that is not allowed; it may be nil.
func NewSection[T any](name string, defaults T, check func(f *settings.Faults, s Settings, own T)) Section {
	return Section{
		name: name,
		of:   reflect.TypeFor[*T](),
		new:  func() any { own := defaults; return &own },
		check: func(f *settings.Faults, s Settings, of any) {
			if check != nil {
				check(f, s, *of.(*T))
			}
		},
	}
}

// Of returns the settings of a section by their type, which copies of s share. It panics if
// the program does not have the section.
func Of[T any](s Settings) *T { return s.sections[reflect.TypeFor[*T]()].(*T) }
