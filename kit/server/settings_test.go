package server_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/latchkey/kit/server"
	"example.com/latchkey/kit/settings"
)

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	for want, change := range map[string]func(*server.Settings){
		`x.address: "localhost" is not HOST:PORT`:                                    func(s *server.Settings) { s.Address = "localhost" },
		`x.base_path: "v1" is not a path such as /v1: start it with a slash`:         func(s *server.Settings) { s.BasePath = "v1" },
		`x.base_path: "/v1/" is not a path`:                                          func(s *server.Settings) { s.BasePath = "/v1/" },
		`x.base_path: "/../x" is not a path`:                                         func(s *server.Settings) { s.BasePath = "/../x" },
		`x.base_path: "/v1/." is not a path`:                                         func(s *server.Settings) { s.BasePath = "/v1/." },
		`x.base_path: "/:v" is not a path`:                                           func(s *server.Settings) { s.BasePath = "/:v" },
		`x.trusted_proxies: "proxy" is not an IP address or network`:                 func(s *server.Settings) { s.TrustedProxies = []string{"10.0.0.1", "proxy"} },
		`x.cors_origins: "*" is not an origin, such as https://app.example.com: pat`: func(s *server.Settings) { s.CORSOrigins = []string{"*"} },
		"x.max_body: must be greater than 0":                                         func(s *server.Settings) { s.MaxBody = 0 },
		"x.max_connections: 0 is not greater than 0: no client could connect":        func(s *server.Settings) { s.MaxConnections = 0 },
		"x.shutdown_timeout: 0s is not greater than 0":                               func(s *server.Settings) { s.ShutdownTimeout = 0 },
		"x.shutdown_delay: -1ns is negative: write 0":                                func(s *server.Settings) { s.ShutdownDelay = -1 },
	} {
		s := server.Defaults()
		change(&s)
		var faults settings.Faults
		s.Check(faults.Section("x"))
		if len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
			t.Errorf("%v, want %s", faults, want)
		}
	}
}

func TestGoodSettingsAreAccepted(t *testing.T) {
	s := server.Defaults()
	s.BasePath, s.TrustedProxies, s.CORSOrigins = "/v1", []string{"10.0.0.0/8", "::1"}, []string{"HTTPS://A.Example:443", "tauri://localhost"}
	var faults settings.Faults
	s.Check(faults.Section("x"))
	if len(faults) > 0 || !slices.Equal(s.CORSOrigins, []string{"https://a.example", "tauri://localhost"}) {
		t.Errorf("%v, %v", faults, s.CORSOrigins)
	}
}

func TestTheURLIsThatOfTheSettingsOrOfThisMachine(t *testing.T) {
	const public, own = "https://api.example.com/x/", "http://127.0.0.1:8080/v1"
	for _, c := range []struct{ public, host, want string }{
		{public, "localhost", "https://api.example.com/x/v1"},
		{"", "localhost:81", "http://localhost:81/v1"},
		{"", "[::1]:81", "http://[::1]:81/v1"},
		{"", "evil.example", own},
		{"", "localhost:x", own},
		{"", "[::1]:x", own},
		{"", "localhost:99999", own},
		{"", "localhost:80@evil.example", own},
		{"", "%zz.localhost", own},
		{"", "", own},
	} {
		s := server.Defaults()
		s.PublicURL, s.BasePath = c.public, "/v1"
		if got := s.URL(c.host); got != c.want {
			t.Errorf("%q: the URL is %s, want %s", c.host, got, c.want)
		}
	}
}

func TestTheLogHasAKnownLevelAndFormat(t *testing.T) {
	var faults settings.Faults
	server.LogSettings{Level: "trace", Format: "xml"}.Check(faults.Section("log"))
	server.LogSettings{Level: "warn", Format: "json"}.Check(faults.Section("log"))
	if want := []string{`log.level: "trace" is not one of debug, info, warn and error`, `log.format: "xml" is neither text nor json`}; !slices.Equal(faults, want) {
		t.Errorf("%v, want %v", faults, want)
	}
}
