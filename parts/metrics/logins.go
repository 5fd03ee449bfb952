package metrics

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/problem"
)

// countLogins returns an observer for Accounts.OnLogin that counts logins by their
// result: success, or the code of the problem.
func countLogins(registry prometheus.Registerer) func(error) {
	logins := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "logins_total",
		Help: "Logins by result: success, or the code of the problem that was answered.",
	}, []string{"result"})
	registry.MustRegister(logins)
	for _, result := range []string{success, accounts.ErrLoginFailed.Code} { // they exist before the first login, so that its rate is right
		logins.WithLabelValues(result)
	}
	return func(err error) { logins.WithLabelValues(resultOf(err)).Inc() }
}

const success = "success"

func resultOf(err error) string {
	var p *problem.Problem
	switch {
	case err == nil:
		return success
	case errors.As(err, &p):
		return p.Code
	case errors.Is(err, context.Canceled):
		return "client_gone"
	}
	return problem.Internal.Code
}
