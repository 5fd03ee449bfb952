package config_test

import (
	"strings"
	"testing"
)

func TestTheAddressOfTheMetricsIsOneOfItsOwn(t *testing.T) {
	for address, want := range map[string]string{
		"":               "",
		":9464":          "",
		"127.0.0.1:0":    "",
		"127.0.0.1":      `server.metrics_address: "127.0.0.1" is not HOST:PORT`,
		"127.0.0.1:http": `server.metrics_address: "127.0.0.1:http" is not HOST:PORT`,
	} {
		if _, err := load(t, "", "APP_SERVER_METRICS_ADDRESS="+address); err == nil && want != "" || err != nil && (want == "" || !strings.HasPrefix(one(t, err), want)) {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}
