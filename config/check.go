package config

import (
	"example.com/latchkey/kit/settings"
)

// check adds a fault for each value that is not allowed.
func check(f *settings.Faults, s *Settings, sections []Section) {
	if s.Environment != settings.Development && s.Environment != settings.Production {
		f.Add("environment: %q is neither development nor production", s.Environment)
	}
	s.Server.Check(f.Section("server"))
	s.Database.Check(f.Section("database"))
	s.Login.Check(f.Section("login"))
	checkJWT(f.Section("jwt"), s.JWT)
	s.Password.Check(f.Section("password"), s.Environment)
	s.Log.Check(f.Section("log"))
	s.JWT.Check(f.Section("jwt"), makeOne)
	for _, section := range sections {
		section.check(f, *s, s.sections[section.of])
	}
	setSecret(f, s)
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
