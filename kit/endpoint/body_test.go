package endpoint_test

import (
	"context"
	"testing"

	"example.com/latchkey/kit/endpoint"
)

func TestBodyLimits(t *testing.T) {
	public := endpoint.Public("POST", "/x", "", func(context.Context, endpoint.None) (endpoint.None, error) { return endpoint.None{}, nil })
	protected := public.For(endpoint.Access{Allow: func(context.Context) error { return nil }})
	for claim, c := range map[string]struct {
		route      endpoint.Route
		most, want int64
	}{
		"a public route takes 64 KiB":                               {public, mib, 64 * kib},
		"a public route takes no more than the server":              {public, kib, kib},
		"a protected route takes as much as the server":             {protected, mib, mib},
		"a public route may have a higher limit":                    {public.MaxBody(mib), 2 * mib, mib},
		"a protected route may have a higher limit than the server": {protected.MaxBody(5 * mib), mib, 5 * mib},
		"a route may have a lower limit":                            {protected.MaxBody(kib), mib, kib},
	} {
		if got := c.route.BodyLimit(c.most); got != c.want {
			t.Errorf("%s: %d bytes, want %d", claim, got, c.want)
		}
	}
}
