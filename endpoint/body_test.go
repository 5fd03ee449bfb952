package endpoint_test

import (
	"context"
	"testing"

	"example.com/latchkey/config"
	"example.com/latchkey/endpoint"
)

func TestBodyLimits(t *testing.T) {
	public := endpoint.Public("POST", "/x", "", func(context.Context, endpoint.None) (endpoint.None, error) { return endpoint.None{}, nil })
	protected := public.For(endpoint.Access{Allow: func(context.Context) error { return nil }})
	for claim, c := range map[string]struct {
		route      endpoint.Route
		most, want int64
	}{
		"a public route takes 64 KiB":                               {public, config.MiB, 64 * config.KiB},
		"a public route takes no more than the server":              {public, config.KiB, config.KiB},
		"a protected route takes as much as the server":             {protected, config.MiB, config.MiB},
		"a public route may have a higher limit":                    {public.MaxBody(config.MiB), 2 * config.MiB, config.MiB},
		"a protected route may have a higher limit than the server": {protected.MaxBody(5 * config.MiB), config.MiB, 5 * config.MiB},
		"a route may have a lower limit":                            {protected.MaxBody(config.KiB), config.MiB, config.KiB},
	} {
		if got := c.route.BodyLimit(c.most); got != c.want {
			t.Errorf("%s: %d bytes, want %d", claim, got, c.want)
		}
	}
}
