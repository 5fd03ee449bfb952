package routes

import (
	"context"
	"net/url"
	"strings"
	"time"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/jobs"
	"example.com/latchkey/kit/seal"
)

// oneTimeCodes are the second factor of a login.
func oneTimeCodes(a App) accounts.TOTP {
	service := a.Settings.JWT.Issuer
	if at, err := url.Parse(service); err == nil && at.Host != "" {
		service = at.Hostname()
	}
	return accounts.TOTP{Keys: seal.Derive(a.Settings.JWT.Secrets(), "one-time code"), Service: strings.ReplaceAll(service, ":", " ")}
}

// renewTOTP is the job after a change of jwt.secret.
func renewTOTP(a App) jobs.Handler {
	return jobs.Periodic("encrypt one-time codes", jobs.Every(time.Hour), func(ctx context.Context) error {
		return oneTimeCodes(a).Renew(ctx, a.DB)
	})
}
