package server

import (
	"fmt"
	"testing"
	"time"
)

func TestALimitRemembersAFixedNumberOfNetworks(t *testing.T) {
	l, at := &limiter{requests: 1, per: time.Minute}, time.Now()
	for i := range 5 * maxLimited {
		l.wait(fmt.Sprint(i), at)
		if len(l.now)+len(l.old) > 2*maxLimited {
			t.Fatalf("%d networks are remembered", len(l.now)+len(l.old))
		}
	}
}
