package auth

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
)

// newToken issues a token with new keys.
func newToken(t *testing.T, settings config.JWT) (tokens *Tokens, token string) {
	t.Helper()
	settings.Secret = config.NewSecret()
	tokens = NewTokens(settings)
	token, err := tokens.Issue(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	if err != nil {
		t.Fatal(err)
	}
	return tokens, token
}

func TestACachedTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := config.Defaults().JWT
		tokens, token := newToken(t, settings)
		for range 2 {
			if _, err := tokens.Verify(token); err != nil {
				t.Error(err)
			}
			time.Sleep(settings.AccessTTL - time.Second)
		}
		if _, err := tokens.Verify(token); !errors.Is(err, ErrTokenExpired) {
			t.Error(err)
		}
	})
}

func TestATokenFromAClockThatIsAheadIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock does not move here
		tokens, token := newToken(t, config.Defaults().JWT)
		issued := float64(time.Now().Unix())
		for ahead, valid := range map[float64]bool{0.004: true, 4.9: true, 6.1: false, 3600: false} {
			if _, err := tokens.parse(token, issued-ahead); (err == nil) != valid {
				t.Errorf("%v s ahead: %v", ahead, err)
			}
		}
	})
}
