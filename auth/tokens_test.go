package auth

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/settings"
)

// newToken issues a token with new keys. replica has the same keys.
func newToken(t *testing.T, s config.JWT) (issuer, replica *Tokens, token string) {
	t.Helper()
	s.Secret = settings.NewSecret()
	issuer, replica = NewTokens(s), NewTokens(s)
	token, err := issuer.Issue(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	if err != nil {
		t.Fatal(err)
	}
	return issuer, replica, token
}

func TestTheIssuerDoesNotParseItsTokens(t *testing.T) {
	issuer, replica, token := newToken(t, config.Defaults().JWT)
	expected, err := replica.Verify(token)
	issuer.parser = nil
	if claims, issuerErr := issuer.Verify(token); claims != expected || errors.Join(err, issuerErr) != nil {
		t.Errorf("%v, %v, want %v, %v", claims, issuerErr, expected, err)
	}
}

func TestACachedTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := config.Defaults().JWT
		issuer, replica, token := newToken(t, s)
		for _, expected := range []error{nil, nil, ErrTokenExpired} {
			_, err := issuer.Verify(token)
			_, replicaErr := replica.Verify(token)
			if !errors.Is(err, expected) || !errors.Is(replicaErr, expected) {
				t.Errorf("%v, on the replica %v, want %v", err, replicaErr, expected)
			}
			time.Sleep(s.AccessTTL - time.Second)
		}
	})
}

func TestATokenFromAClockThatIsAheadIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock does not move here
		_, replica, token := newToken(t, config.Defaults().JWT)
		issued := float64(time.Now().Unix())
		for ahead, valid := range map[float64]bool{0.004: true, 4.9: true, 6.1: false, 3600: false} {
			if _, err := replica.parse(token, issued-ahead); (err == nil) != valid {
				t.Errorf("%v s ahead: %v", ahead, err)
			}
		}
	})
}
