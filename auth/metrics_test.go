package auth

import (
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/latchkey/config"
)

func TestTheHashesThatRunWaitAndAreRefusedAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, _ := slowPasswords(2, hashTime*3/2)
		registry := prometheus.NewRegistry()
		registry.MustRegister(Services{Passwords: passwords, Sessions: NewSessions(nil, config.JWT{})}.Collectors()...)
		want := func(running, waiting, refused float64) {
			t.Helper()
			families, err := registry.Gather()
			got := map[string]float64{}
			for _, family := range families {
				figure := family.GetMetric()[0]
				got[family.GetName()] = figure.GetGauge().GetValue() + figure.GetCounter().GetValue()
			}
			if err != nil || got["password_hashes_running"] != running || got["password_hashes_waiting"] != waiting || got["password_hashes_refused_total"] != refused {
				t.Errorf("%v, %v, want %v, %v and %v", err, got, running, waiting, refused)
			}
		}
		wait := startLogins(t.Context(), passwords, 9)
		want(2, 7, 0)
		wait() // two run, then two more, and the others have waited for too long
		want(0, 0, 5)
	})
}
