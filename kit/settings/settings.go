// Package settings reads the settings of a program from a file and the environment into a
// struct, and reports everything that is wrong with them at once.
package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// Development is an environment that needs no settings.
	Development = "development"
	// Production refuses settings that are too weak outside development.
	Production = "production"
)

// Program returns the name of the program that runs, for advice.
func Program() string { return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") }

// Faults lists everything that is wrong with the settings, and how to correct it.
type Faults []string

func (f Faults) Error() string {
	if len(f) == 1 {
		return f[0]
	}
	return fmt.Sprintf("%d settings are wrong:\n  %s", len(f), strings.Join(f, "\n  "))
}

// Add adds a fault.
func (f *Faults) Add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// Section returns the section of the settings whose keys begin with name and a point.
func (f *Faults) Section(name string) Section { return Section{f, name} }

// Section adds the faults of a section of the settings.
type Section struct {
	faults *Faults
	name   string
}

// Add adds a fault of a setting of the section.
func (s Section) Add(name, format string, args ...any) {
	s.faults.Add("%s.%s: %s", s.name, name, fmt.Sprintf(format, args...))
}

// Positive adds a fault unless a duration is greater than 0.
func (s Section) Positive(name string, d time.Duration) {
	if d <= 0 {
		s.Add(name, "%v is not greater than 0", d)
	}
}

// Lifetime adds a fault unless a duration is a positive number of seconds, as tokens hold it.
func (s Section) Lifetime(name string, ttl time.Duration) {
	s.Positive(name, ttl)
	if ttl%time.Second != 0 {
		s.Add(name, "%v is not a whole number of seconds: tokens hold times in seconds", ttl)
	}
}

// AtLeast adds a fault with advice if a number is less than least.
func (s Section) AtLeast(name string, n, least int, advice string) {
	if n < least {
		s.Add(name, "%d is not greater than %d: %s", n, least-1, advice)
	}
}

// Size is a number of bytes, written as 1MiB in the settings.
type Size int64

// Units of Size.
const (
	KiB = 1 << 10
	MiB = 1 << 20
)

// Secret prints as stars, so that no log or error can show it.
type Secret string

func (s Secret) String() string { return "********" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes returns the secret itself.
func (s Secret) Bytes() []byte { return []byte(s) }
