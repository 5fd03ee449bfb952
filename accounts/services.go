package accounts

import (
	"runtime"

	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/throttle"
	"example.com/latchkey/kit/token"
)

// Services are the mechanisms that accounts need.
type Services struct {
	Tokens    *token.Tokens
	Sessions  *Sessions
	Passwords *password.Passwords
	Throttle  *throttle.Throttle
}

// NewServices makes Services from settings that config has checked. It takes GOMAXPROCS
// as the number of cores.
func NewServices(settings config.Settings, db *gorm.DB) Services {
	return Services{
		Tokens:    token.New(settings.JWT.Settings),
		Sessions:  NewSessions(db, settings.JWT),
		Passwords: password.New(settings.Password, runtime.GOMAXPROCS(0), password.Bcrypt()),
		Throttle:  throttle.New(db, seal.Derive(settings.JWT.Secrets(), "login throttle"), settings.Login),
	}
}
