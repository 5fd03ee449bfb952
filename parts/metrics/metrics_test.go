package metrics_test

import (
	"errors"
	"strings"
	"testing"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
	"example.com/latchkey/parts/metrics"
)

func TestTheAddressOfTheMetricsIsOneOfItsOwn(t *testing.T) {
	for address, want := range map[string]string{
		"":               "",
		":9464":          "",
		"127.0.0.1:0":    "",
		"127.0.0.1":      `server.metrics_address: "127.0.0.1" is not HOST:PORT`,
		"127.0.0.1:http": `server.metrics_address: "127.0.0.1:http" is not HOST:PORT`,
	} {
		environ := []string{"APP_JWT_SECRET=" + string(settings.NewSecret().Bytes()), "APP_SERVER_METRICS_ADDRESS=" + address}
		_, err := config.Load(settings.DefaultFile, environ, metrics.Part().Settings...)
		var faults settings.Faults
		if errors.As(err, &faults); want == "" && err != nil || want != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], want)) {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}
