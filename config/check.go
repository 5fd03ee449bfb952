package config

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/latchkey/kit/settings"
)

// check adds a fault for each value that is not allowed.
func check(f *settings.Faults, s *Settings) {
	if s.Environment != settings.Development && s.Environment != settings.Production {
		f.Add("environment: %q is neither development nor production", s.Environment)
	}
	checkServer(f.Section("server"), s.Server)
	checkMetrics(f.Section("server"), s.Server)
	s.Database.Check(f.Section("database"))
	s.Login.Check(f.Section("login"))
	checkJWT(f.Section("jwt"), s.JWT)
	s.Password.Check(f.Section("password"), s.Environment)
	checkMail(f, s)
	checkEvents(f.Section("events"), s.Events)
	checkLog(f.Section("log"), s.Log)
	s.JWT.Check(f.Section("jwt"), makeOne)
	setSecret(f, s)
}

func checkLog(f settings.Section, s Log) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Level) {
		f.Add("level", "%q is not one of debug, info, warn and error", s.Level)
	}
	if s.Format != "" && s.Format != "text" && s.Format != "json" {
		f.Add("format", "%q is neither text nor json", s.Format)
	}
}

// developmentFile holds the secret that is made in development.
const developmentFile = "data/jwt_secret"

// makeOne is the advice for a missing or weak secret.
const makeOne = "set APP_JWT_SECRET, or APP_JWT_SECRET_FILE, to what `latchkey secret` prints"

// setSecret sets the secret that is made and stored in development, unless there is one.
func setSecret(faults *settings.Faults, s *Settings) {
	f := faults.Section("jwt")
	if s.JWT.Secret != "" || s.Environment == settings.Development && len(*faults) > 0 { // the program will not start, so write no file
		return
	}
	if s.Environment == settings.Development {
		var err error
		if s.JWT.Secret, err = settings.StoredSecret(developmentFile); err != nil {
			f.Add("secret", "is not set, and a secret for development cannot be stored: %v; or %s", err, makeOne)
			return
		}
	}
	f.Strength("secret", s.JWT.Secret, makeOne)
}

func checkJWT(f settings.Section, s JWT) {
	f.Lifetime("refresh_ttl", s.RefreshTTL)
	if s.RefreshTTL < s.AccessTTL {
		f.Add("refresh_ttl", "%v is less than jwt.access_ttl, %v: an access token would outlive its session", s.RefreshTTL, s.AccessTTL)
	}
	if s.RefreshGrace < 0 {
		f.Add("refresh_grace", "%v is negative: write 0 to treat every reuse of a refresh token as theft", s.RefreshGrace)
	}
	if s.RevocationLag < 0 {
		f.Add("revocation_lag", "%v is negative: write 0 to check the database on each request", s.RevocationLag)
	}
	f.AtLeast("max_sessions", s.MaxSessions, 1, "a login needs a session")
}

// basePath allows only characters without a special meaning in Gin, in a URL and in OpenAPI.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func checkServer(f settings.Section, s Server) {
	f.Address("address", s.Address)
	if s.BasePath != "" && (!basePath.MatchString(s.BasePath) || path.Clean(s.BasePath) != s.BasePath) {
		f.Add("base_path", "%q is not a path such as /v1: start it with a slash, and do not end it with one", s.BasePath)
	}
	f.Page("public_url", s.PublicURL)
	if strings.Contains(s.PublicURL, "?") {
		f.Add("public_url", "%q has a query, to which no path can be added", s.PublicURL)
	}
	for _, proxy := range s.TrustedProxies {
		_, addrErr := netip.ParseAddr(proxy)
		_, prefixErr := netip.ParsePrefix(proxy)
		if addrErr != nil && prefixErr != nil {
			f.Add("trusted_proxies", "%q is not an IP address or network, such as 10.0.0.0/8", proxy)
		}
	}
	for i, origin := range s.CORSOrigins {
		normalized, err := settings.NormalizeOrigin(origin)
		if err != nil {
			f.Add("cors_origins", "%q is not an origin, such as https://app.example.com: %v", origin, err)
			continue
		}
		s.CORSOrigins[i] = normalized
	}
	if s.MaxBody <= 0 {
		f.Add("max_body", "must be greater than 0, such as 1MiB")
	}
	f.AtLeast("max_connections", s.MaxConnections, 1, "no client could connect")
	f.Positive("shutdown_timeout", s.ShutdownTimeout)
	if s.ShutdownDelay < 0 {
		f.Add("shutdown_delay", "%v is negative: write 0 to stop taking requests at once", s.ShutdownDelay)
	}
}
