package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/idna"
)

// check adds a fault for each value that is not allowed.
func (f *Faults) check(s *Settings) {
	if s.Environment != Development && s.Environment != Production {
		f.add("environment: %q is neither development nor production", s.Environment)
	}
	f.checkServer(s.Server)
	checkMetrics(f, s.Server)
	f.checkDatabase(s.Database)
	f.checkPositive("server.shutdown_timeout", s.Server.ShutdownTimeout)
	if s.Server.ShutdownDelay < 0 {
		f.add("server.shutdown_delay: %v is negative: write 0 to stop taking requests at once", s.Server.ShutdownDelay)
	}
	f.checkPositive("password.max_wait", s.Password.MaxWait)
	f.checkPositive("login.window", s.Login.Window)
	if s.Login.MaxFailures < 1 {
		f.add("login.max_failures: %d is not greater than 0: no login would be allowed", s.Login.MaxFailures)
	}
	f.checkJWT(s.JWT)
	f.checkPassword(s)
	checkMail(f, s)
	checkEvents(f, s)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Log.Level) {
		f.add("log.level: %q is not one of debug, info, warn and error", s.Log.Level)
	}
	if s.Log.Format != "" && s.Log.Format != "text" && s.Log.Format != "json" {
		f.add("log.format: %q is neither text nor json", s.Log.Format)
	}
	f.loadKeys(&s.JWT)
	f.checkSecret(s)
}

func (f *Faults) checkDatabase(s Database) {
	if s.MaxConnections < 2 {
		f.add("database.max_connections: %d is less than 2: a job that runs would hold the only connection", s.MaxConnections)
	}
	f.checkPositive("database.max_idle_time", s.MaxIdleTime)
	f.checkPositive("database.statement_timeout", s.StatementTimeout)
	f.checkPositive("database.lock_timeout", s.LockTimeout)
	if err := CheckURL(s.URL); err != nil {
		f.add("database.url: %v", err)
	}
}

// CheckURL returns an error unless databaseURL is a URL of SQLite or PostgreSQL. The
// error shows nothing of the URL, which may have a password.
func CheckURL(databaseURL string) error {
	scheme, rest, _ := strings.Cut(databaseURL, "://")
	switch scheme {
	case "sqlite":
		return checkFile(rest)
	case "postgres", "postgresql":
		return checkServerURL(databaseURL)
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

func (f *Faults) checkJWT(s JWT) {
	f.checkLifetime("jwt.access_ttl", s.AccessTTL)
	f.checkLifetime("jwt.refresh_ttl", s.RefreshTTL)
	if s.RefreshTTL < s.AccessTTL {
		f.add("jwt.refresh_ttl: %v is less than jwt.access_ttl, %v: an access token would outlive its session", s.RefreshTTL, s.AccessTTL)
	}
	if s.RefreshGrace < 0 {
		f.add("jwt.refresh_grace: %v is negative: write 0 to treat every reuse of a refresh token as theft", s.RefreshGrace)
	}
	if s.RevocationLag < 0 {
		f.add("jwt.revocation_lag: %v is negative: write 0 to check the database on each request", s.RevocationLag)
	}
	if s.MaxSessions < 1 {
		f.add("jwt.max_sessions: %d is not greater than 0: a login needs a session", s.MaxSessions)
	}
	if s.MaxRemembered < 1 {
		f.add("jwt.max_remembered: %d is not greater than 0: to cache nothing, set jwt.revocation_lag to 0", s.MaxRemembered)
	}
	if s.Issuer == "" || s.Audience == "" {
		f.add("jwt.issuer and jwt.audience: neither may be empty: name this service")
	}
}

// basePath allows only characters without a special meaning in Gin, in a URL and in OpenAPI.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (f *Faults) checkServer(s Server) {
	f.checkAddress("server.address", s.Address)
	if s.BasePath != "" && (!basePath.MatchString(s.BasePath) || path.Clean(s.BasePath) != s.BasePath) {
		f.add("server.base_path: %q is not a path such as /v1: start it with a slash, and do not end it with one", s.BasePath)
	}
	checkPage(f, "server.public_url", s.PublicURL)
	if strings.Contains(s.PublicURL, "?") {
		f.add("server.public_url: %q has a query, to which no path can be added", s.PublicURL)
	}
	for _, proxy := range s.TrustedProxies {
		_, addrErr := netip.ParseAddr(proxy)
		_, prefixErr := netip.ParsePrefix(proxy)
		if addrErr != nil && prefixErr != nil {
			f.add("server.trusted_proxies: %q is not an IP address or network, such as 10.0.0.0/8", proxy)
		}
	}
	for i, origin := range s.CORSOrigins {
		normalized, err := normalizeOrigin(origin)
		if err != nil {
			f.add("server.cors_origins: %q is not an origin, such as https://app.example.com: %v", origin, err)
			continue
		}
		s.CORSOrigins[i] = normalized
	}
	if s.MaxBody <= 0 {
		f.add("server.max_body: must be greater than 0, such as 1MiB")
	}
	if s.MaxConnections < 1 {
		f.add("server.max_connections: %d is not greater than 0", s.MaxConnections)
	}
}

// normalizeOrigin returns an origin as a browser sends it (RFC 6454, section 6.2): in
// lower case, with the host in ASCII, and without the default port of its scheme.
func normalizeOrigin(origin string) (string, error) {
	if strings.Contains(origin, "*") {
		return "", errors.New("patterns are not allowed, list each origin")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || !hasGoodPort(u) || u.Scheme+"://"+strings.ToLower(u.Host) != strings.ToLower(origin) {
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

// hasGoodPort reports whether clients can connect to the port of a URL, if it has one.
func hasGoodPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

func (f *Faults) checkAddress(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		f.add("%s: %q is not HOST:PORT, such as 127.0.0.1:8080", key, address)
	}
}

func (f *Faults) checkPositive(key string, d time.Duration) {
	if d <= 0 {
		f.add("%s: %v is not greater than 0", key, d)
	}
}

func (f *Faults) checkLifetime(key string, ttl time.Duration) {
	f.checkPositive(key, ttl)
	if ttl%time.Second != 0 {
		f.add("%s: %v is not a whole number of seconds: tokens hold times in seconds", key, ttl)
	}
}

func (f *Faults) checkPassword(s *Settings) {
	least := bcrypt.MinCost
	if s.Environment == Production {
		least = 10
	}
	if s.Password.BcryptCost < least || s.Password.BcryptCost > 20 {
		f.add("password.bcrypt_cost: %d is not between %d and 20 (%s)", s.Password.BcryptCost, least, s.Environment)
	}
	if s.Password.MinLength < 1 || s.Password.MinLength > 72 {
		f.add("password.min_length: %d is not between 1 and 72: bcrypt reads at most 72 bytes", s.Password.MinLength)
	}
}

// checkPage adds a fault unless a setting is empty or the URL of a page, to which
// ?token= can be added.
func checkPage(f *Faults, key, page string) {
	if page == "" {
		return
	}
	u, err := url.Parse(page)
	if err != nil || u.Hostname() == "" || !hasGoodPort(u) || u.Scheme != "https" && u.Scheme != "http" || strings.Contains(page, "#") || u.User != nil {
		f.add("%s: %q is not the URL of a page, such as https://app.example.com/reset", key, page)
	}
}
