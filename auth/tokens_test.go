package auth

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/config"
)

func TestACachedTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := config.Defaults().JWT
		settings.Secret = config.NewSecret()
		tokens := NewTokens(settings)
		token, err := tokens.Issue(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
		if err != nil {
			t.Fatal(err)
		}
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
	settings := config.Defaults().JWT
	settings.Secret = config.NewSecret()
	tokens := NewTokens(settings)
	token, err := tokens.Issue(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	if err != nil {
		t.Fatal(err)
	}
	issued := float64(time.Now().Unix())
	for ahead, valid := range map[float64]bool{0.004: true, 4.9: true, 6.1: false, 3600: false} {
		if _, err := tokens.parse(token, issued-ahead); (err == nil) != valid {
			t.Errorf("%v s ahead: %v", ahead, err)
		}
	}
}
