package client_test

import (
	"testing"

	"example.com/latchkey/kit/client"
)

func TestANetworkIsOneClient(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1":        "192.0.2.1",
		"::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8::1":      "2001:db8::/64",
		"2001:db8::2%eth0": "2001:db8::/64",
		"2001:db8:0:1::1":  "2001:db8:0:1::/64",
		"":                 "unknown",
	} {
		if got := (client.Client{IP: ip}).Network(); got != want {
			t.Errorf("%q is %q, want %q", ip, got, want)
		}
	}
}
