package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/idna"
)

// check adds what is wrong with values that have their type.
func (f *Faults) check(s *Settings) {
	if s.Environment != Development && s.Environment != Production {
		f.add("environment: %q is neither development nor production", s.Environment)
	}
	f.checkServer(s.Server)
	f.checkDatabase(s.Database)
	f.checkPositive("server.shutdown_timeout", s.Server.ShutdownTimeout)
	if s.Server.ShutdownDelay < 0 {
		f.add("server.shutdown_delay: %v is negative: write 0 to take no more requests at once", s.Server.ShutdownDelay)
	}
	f.checkPositive("password.max_wait", s.Password.MaxWait)
	f.checkJWT(s.JWT)
	f.checkPassword(s)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Log.Level) {
		f.add("log.level: %q is none of debug, info, warn and error", s.Log.Level)
	}
	if s.Log.Format != "" && s.Log.Format != "text" && s.Log.Format != "json" {
		f.add("log.format: %q is neither text nor json", s.Log.Format)
	}
	f.loadKeys(&s.JWT)
	f.checkSecret(s)
}

func (f *Faults) checkDatabase(s Database) {
	if s.MaxConnections < 2 {
		f.add("database.max_connections: %d is under 2: one hears of revocations, the others serve", s.MaxConnections)
	}
	f.checkPositive("database.max_idle_time", s.MaxIdleTime)
	f.checkPositive("database.statement_timeout", s.StatementTimeout)
	f.checkPositive("database.lock_timeout", s.LockTimeout)
	if err := CheckURL(s.URL); err != nil {
		f.add("database.url: %v", err)
	}
}

// CheckURL refuses what is not a database's url. The error shows nothing of it.
func CheckURL(at string) error {
	scheme, rest, _ := strings.Cut(at, "://")
	switch scheme {
	case "sqlite":
		return checkFile(rest)
	case "postgres", "postgresql":
		return checkServerURL(at)
	default:
		if lower := strings.ToLower(scheme); lower != scheme && slices.Contains([]string{"sqlite", "postgres", "postgresql"}, lower) {
			return fmt.Errorf("write %s:// in lower case", lower)
		}
	}
	return errors.New("write sqlite://PATH with the path of a file, such as sqlite://data/app.db, or postgres://USER:PASSWORD@HOST/DATABASE")
}

func checkFile(path string) error {
	switch {
	case path == "" || path == ":memory:":
		return errors.New("write sqlite://PATH with the path of a file, such as sqlite://data/app.db")
	case strings.HasPrefix(path, "/./") || strings.HasPrefix(path, "/../"):
		return errors.New("write sqlite:// and a path that is relative without the third slash, such as sqlite://data/app.db")
	case strings.Contains(path, "?"):
		return errors.New("options after a ? are not taken: write the path of the file alone")
	case strings.HasPrefix(path, "~") || strings.HasPrefix(path, "/~"):
		return errors.New("~ is not expanded: write the folder's whole path")
	}
	return nil
}

// checkServerURL finds a password that is not percent-encoded, whose characters a
// URL would read as something else, and a log then show.
func checkServerURL(at string) error {
	read, err := url.Parse(at)
	if err != nil || read.Fragment != "" || strings.HasSuffix(at, "#") || strings.Count(at, "@") > 1 || read.User == nil && strings.Contains(at, "@") {
		return errors.New("cannot be read: percent-encode the characters @ : / ? # % of the password, such as %40 for @")
	}
	if read.Host == "" && !read.Query().Has("host") {
		return errors.New("names no host: write postgres://USER:PASSWORD@HOST/DATABASE, or ?host=/FOLDER for a unix socket")
	}
	return nil
}

func (f *Faults) checkJWT(s JWT) {
	f.checkLife("jwt.access_ttl", s.AccessTTL)
	f.checkLife("jwt.refresh_ttl", s.RefreshTTL)
	if s.RefreshTTL < s.AccessTTL {
		f.add("jwt.refresh_ttl: %v is less than jwt.access_ttl, %v: an access token would outlive its session", s.RefreshTTL, s.AccessTTL)
	}
	if s.RefreshGrace < 0 {
		f.add("jwt.refresh_grace: %v is negative: write 0 to take every repetition for a theft", s.RefreshGrace)
	}
	if s.RevocationLag < 0 {
		f.add("jwt.revocation_lag: %v is negative: write 0 to ask the database on each request", s.RevocationLag)
	}
	if s.MaxSessions < 1 {
		f.add("jwt.max_sessions: %d is not over 0: a login needs a session", s.MaxSessions)
	}
	if s.MaxRemembered < 1 {
		f.add("jwt.max_remembered: %d is not over 0: to remember nothing, set jwt.revocation_lag to 0", s.MaxRemembered)
	}
	if s.Issuer == "" || s.Audience == "" {
		f.add("jwt.issuer and jwt.audience: neither may be empty: name this service")
	}
}

// basePath has no characters that Gin, a URL or a document would read in another way.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (f *Faults) checkServer(s Server) {
	_, port, err := net.SplitHostPort(s.Address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		f.add("server.address: %q is no HOST:PORT, such as 127.0.0.1:8080", s.Address)
	}
	if s.BasePath != "" && !basePath.MatchString(s.BasePath) {
		f.add("server.base_path: %q is not a path such as /v1: begin it with a slash, and end it without one", s.BasePath)
	}
	for _, proxy := range s.TrustedProxies {
		_, addrErr := netip.ParseAddr(proxy)
		_, prefixErr := netip.ParsePrefix(proxy)
		if addrErr != nil && prefixErr != nil {
			f.add("server.trusted_proxies: %q is no address or network, such as 10.0.0.0/8", proxy)
		}
	}
	for i, origin := range s.CORSOrigins {
		sent, err := asSent(origin)
		if err != nil {
			f.add("server.cors_origins: %q is not an origin, such as https://app.example.com: %v", origin, err)
			continue
		}
		s.CORSOrigins[i] = sent
	}
	if s.MaxBody <= 0 {
		f.add("server.max_body: must be over 0, such as 1MiB")
	}
	if s.MaxConnections < 1 {
		f.add("server.max_connections: %d is not over 0", s.MaxConnections)
	}
}

// asSent is an origin as a browser sends it (RFC 6454, section 6.2): in lower case,
// the host in ASCII, without the port that its scheme has by default.
func asSent(origin string) (string, error) {
	if strings.Contains(origin, "*") {
		return "", errors.New("patterns are not taken, list each origin")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != strings.ToLower(origin) {
		return "", errors.New("write its scheme, host and port, and nothing else")
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil && net.ParseIP(u.Hostname()) == nil {
		return "", errors.New("its host is not a name or an address")
	}
	if strings.Contains(u.Host, "[") {
		host = "[" + u.Hostname() + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + strings.ToLower(host), nil
}

func (f *Faults) checkPositive(key string, d time.Duration) {
	if d <= 0 {
		f.add("%s: %v is not over 0", key, d)
	}
}

func (f *Faults) checkLife(key string, ttl time.Duration) {
	f.checkPositive(key, ttl)
	if ttl%time.Second != 0 {
		f.add("%s: %v is no whole number of seconds, and tokens count in seconds", key, ttl)
	}
}

func (f *Faults) checkPassword(s *Settings) {
	least := bcrypt.MinCost
	if s.Environment == Production {
		least = 10
	}
	if s.Password.BcryptCost < least || s.Password.BcryptCost > 20 {
		f.add("password.bcrypt_cost: %d is not from %d to 20 (%s)", s.Password.BcryptCost, least, s.Environment)
	}
	if s.Password.MinLength < 1 || s.Password.MinLength > 72 {
		f.add("password.min_length: %d is not from 1 to 72, the most that bcrypt takes", s.Password.MinLength)
	}
}
