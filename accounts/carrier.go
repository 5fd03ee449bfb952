package accounts

import (
	"context"
	"slices"
	"strings"

	"example.com/latchkey/kit/problem"
	"example.com/latchkey/models"
)

// Carrier is how a client carries its session, other than by tokens.
type Carrier struct {
	Name  string                                                  // Credentials.Session
	Allow func(ctx context.Context) error                         // refuses a request that may not begin such a session
	Carry func(ctx context.Context, session models.Session) error // puts the session into the headers of the answer
}

// CarrierOf returns the carrier with a name.
func (a Accounts) CarrierOf(name string) (carrier Carrier, found bool) {
	i := slices.IndexFunc(a.Carriers, func(c Carrier) bool { return c.Name == name })
	if i < 0 {
		return carrier, false
	}
	return a.Carriers[i], true
}

// CheckCarrier returns the rule that Credentials.Session breaks.
func (a Accounts) CheckCarrier(_ context.Context, in Credentials) []problem.FieldError {
	if _, found := a.CarrierOf(in.Session); found || in.Session == "" {
		return nil
	}
	message := "must be left out"
	if len(a.Carriers) > 0 {
		var names []string
		for _, carrier := range a.Carriers {
			names = append(names, carrier.Name)
		}
		message += ", or be " + strings.Join(names, " or ")
	}
	return []problem.FieldError{{Field: "session", Message: message}}
}

// AllowCarrier refuses a request that may not begin a session with this carrier. Call it
// before a login.
func (a Accounts) AllowCarrier(ctx context.Context, name string) error {
	if carrier, found := a.CarrierOf(name); found {
		return carrier.Allow(ctx)
	}
	return nil
}
