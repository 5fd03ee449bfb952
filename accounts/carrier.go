package accounts

import (
	"context"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Carrier is how a client carries its session, other than by tokens.
type Carrier struct {
	Name  string                                                  // Credentials.Session
	Allow func(ctx context.Context) error                         // refuses a request that may not begin such a session
	Carry func(ctx context.Context, session models.Session) error // puts the session into the headers of the answer
}

// CarrierOf returns the carrier with a name for a request that begins a session, or nil for
// tokens. The error is validation_failed on session, or that of Allow.
func (a Accounts) CarrierOf(ctx context.Context, name string) (*Carrier, error) {
	for _, carrier := range a.Carriers {
		if carrier.Name == name {
			return &carrier, carrier.Allow(ctx)
		}
	}
	if name != "" {
		return nil, problem.Field("session", "is not known here: leave it out to get tokens")
	}
	return nil, nil
}
