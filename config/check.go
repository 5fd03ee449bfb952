package config

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

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
	checkLogin(f.Section("login"), s.Login)
	checkJWT(f, s.JWT)
	checkPassword(f.Section("password"), s)
	checkMail(f, s)
	checkEvents(f.Section("events"), s.Events)
	checkLog(f.Section("log"), s.Log)
	loadKeys(f.Section("jwt"), &s.JWT)
	checkSecret(f, s)
}

func checkLogin(f settings.Section, s Login) {
	f.Positive("window", s.Window)
	f.AtLeast("max_failures", s.MaxFailures, 1, "no login would be allowed")
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

func checkSecret(faults *settings.Faults, s *Settings) {
	f := faults.Section("jwt")
	if s.JWT.Secret == "" && s.Environment == settings.Development {
		if len(*faults) > 0 {
			return // the program will not start, so write no file
		}
		secret, err := settings.StoredSecret(developmentFile)
		if err != nil {
			f.Add("secret", "is not set, and a secret for development cannot be stored: %v; or %s", err, makeOne)
			return
		}
		s.JWT.Secret = secret
	}
	f.Strength("secret", s.JWT.Secret, makeOne)
	for i, secret := range s.JWT.PreviousSecrets {
		f.Strength(fmt.Sprintf("previous_secrets[%d]", i), secret, "remove it")
	}
}

func checkJWT(faults *settings.Faults, s JWT) {
	f := faults.Section("jwt")
	f.Lifetime("access_ttl", s.AccessTTL)
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
	f.AtLeast("max_remembered", s.MaxRemembered, 1, "to cache nothing, set jwt.revocation_lag to 0")
	if s.Issuer == "" || s.Audience == "" {
		faults.Add("jwt.issuer and jwt.audience: neither may be empty: name this service")
	}
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

func checkPassword(f settings.Section, s *Settings) {
	f.Positive("max_wait", s.Password.MaxWait)
	least := bcrypt.MinCost
	if s.Environment == settings.Production {
		least = 10
	}
	if s.Password.BcryptCost < least || s.Password.BcryptCost > 20 {
		f.Add("bcrypt_cost", "%d is not between %d and 20 (%s)", s.Password.BcryptCost, least, s.Environment)
	}
	if s.Password.MinLength < 1 || s.Password.MinLength > 72 {
		f.Add("min_length", "%d is not between 1 and 72: bcrypt reads at most 72 bytes", s.Password.MinLength)
	}
}
