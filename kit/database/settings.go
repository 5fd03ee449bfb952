package database

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"example.com/latchkey/kit/settings"
)

// Settings are the settings of a database.
type Settings struct {
	URL     string `mapstructure:"url"`
	Migrate bool   `mapstructure:"migrate"`

	// For PostgreSQL only.
	Pooled           bool          `mapstructure:"pooled"`
	MaxConnections   int           `mapstructure:"max_connections"`
	MaxIdleTime      time.Duration `mapstructure:"max_idle_time"`
	StatementTimeout time.Duration `mapstructure:"statement_timeout"`
	LockTimeout      time.Duration `mapstructure:"lock_timeout"`
}

// Defaults returns the settings of a SQLite file.
func Defaults() Settings {
	return Settings{
		URL: "sqlite://data/app.db", Migrate: true,
		MaxConnections: 20, MaxIdleTime: 5 * time.Minute, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second,
	}
}

// Check adds the faults of the settings.
func (s Settings) Check(f settings.Section) {
	if s.MaxConnections < 2 {
		f.Add("max_connections", "%d is less than 2: a job that runs would hold the only connection", s.MaxConnections)
	}
	f.Positive("max_idle_time", s.MaxIdleTime)
	f.Positive("statement_timeout", s.StatementTimeout)
	f.Positive("lock_timeout", s.LockTimeout)
	if err := CheckURL(s.URL); err != nil {
		f.Add("url", "%v", err)
	}
}

// CheckURL returns an error unless databaseURL is a URL of SQLite or PostgreSQL. The
// error shows nothing of the URL, which may have a password.
func CheckURL(databaseURL string) error {
	scheme, rest, _ := strings.Cut(databaseURL, "://")
	lower := strings.ToLower(scheme)
	switch {
	case lower != "sqlite" && lower != "postgres" && lower != "postgresql":
		return errors.New("write sqlite://PATH with the path of a file, such as sqlite://data/app.db, or postgres://USER:PASSWORD@HOST/DATABASE")
	case scheme != lower:
		return fmt.Errorf("write %s:// in lower case", lower)
	case scheme == "sqlite":
		return checkPath(rest)
	}
	return checkServerURL(databaseURL)
}

func checkPath(path string) error {
	switch {
	case path == "" || path == ":memory:":
		return errors.New("write sqlite://PATH with the path of a file, such as sqlite://data/app.db")
	case strings.HasPrefix(path, "/./") || strings.HasPrefix(path, "/../"):
		return errors.New("write a relative path without the third slash, such as sqlite://data/app.db")
	case strings.Contains(path, "?"):
		return errors.New("options after a ? are not allowed: write only the path of the file")
	case strings.HasPrefix(path, "~") || strings.HasPrefix(path, "/~"):
		return errors.New("~ is not expanded: write the full path")
	}
	return nil
}

// checkServerURL finds a password that is not percent-encoded: a part of it would be
// read as another part of the URL, and might be logged.
func checkServerURL(databaseURL string) error {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Fragment != "" || strings.HasSuffix(databaseURL, "#") || strings.Count(databaseURL, "@") > 1 || u.User == nil && strings.Contains(databaseURL, "@") {
		return errors.New("cannot be read: percent-encode the characters @ : / ? # % of the password, such as %40 for @")
	}
	if u.Host == "" && !u.Query().Has("host") {
		return errors.New("has no host: write postgres://USER:PASSWORD@HOST/DATABASE, or ?host=/FOLDER for a Unix socket")
	}
	return nil
}
