package server

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"example.com/latchkey/kit/settings"
)

// Settings are the settings of the HTTP server.
type Settings struct {
	Address         string        `mapstructure:"address"`
	BasePath        string        `mapstructure:"base_path"`
	PublicURL       string        `mapstructure:"public_url"`
	TrustedProxies  []string      `mapstructure:"trusted_proxies"`
	CORSOrigins     []string      `mapstructure:"cors_origins"`
	CORSHeaders     []string      `mapstructure:"cors_headers"`
	MaxBody         settings.Size `mapstructure:"max_body"`
	MaxConnections  int           `mapstructure:"max_connections"`
	ShutdownDelay   time.Duration `mapstructure:"shutdown_delay"`
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
}

// Defaults returns the settings of a server on this machine.
func Defaults() Settings {
	return Settings{
		Address: "127.0.0.1:8080", CORSHeaders: []string{"traceparent", "X-Requested-With"},
		MaxBody: settings.MiB, MaxConnections: 4096, ShutdownTimeout: 15 * time.Second,
	}
}

// basePath allows only characters without a special meaning in Gin, in a URL and in OpenAPI.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// Check adds the faults of the settings.
func (s Settings) Check(f settings.Section) {
	f.Address("address", s.Address)
	if s.BasePath != "" && (!basePath.MatchString(s.BasePath) || path.Clean(s.BasePath) != s.BasePath) {
		f.Add("base_path", "%q is not a path such as /v1: start it with a slash, and do not end it with one", s.BasePath)
	}
	f.Page("public_url", s.PublicURL)
	if strings.Contains(s.PublicURL, "?") {
		f.Add("public_url", "%q has a query, to which no path can be added", s.PublicURL)
	}
	for _, proxy := range s.TrustedProxies {
		if _, err := parseNetwork(proxy); err != nil {
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

// URL returns the URL with which the addresses of a server begin. host is the Host header of a
// request, or "". Without public_url, the URL has this host if it is a name of this machine, or
// else server.address.
func (s Settings) URL(host string) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/") + s.BasePath
	}
	if u, err := url.Parse("http://" + host); err != nil || u.Host != host || !settings.HasGoodPort(u) || !settings.IsLoopback(host) {
		host = s.Address
	}
	return "http://" + host + s.BasePath
}
