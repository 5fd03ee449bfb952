package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/kit/settings"
)

func testSettings() Settings {
	s := Defaults()
	s.Issuer, s.Audience = "test", "test"
	return s
}

// newToken issues a token with new keys. replica has the same keys.
func newToken(t *testing.T, s Settings) (issuer, replica *Tokens, token string) {
	t.Helper()
	s.Secret = settings.NewSecret()
	issuer, replica = New(s), New(s)
	token, err := issuer.Issue(Claims{Subject: uuid.Must(uuid.NewV7()), Session: uuid.Must(uuid.NewV7())})
	if err != nil {
		t.Fatal(err)
	}
	return issuer, replica, token
}

func TestTheIssuerDoesNotParseItsTokens(t *testing.T) {
	issuer, replica, token := newToken(t, testSettings())
	expected, err := replica.Verify(token)
	issuer.parser = nil
	if claims, issuerErr := issuer.Verify(token); fmt.Sprint(claims) != fmt.Sprint(expected) || errors.Join(err, issuerErr) != nil {
		t.Errorf("%v, %v, want %v, %v", claims, issuerErr, expected, err)
	}
}

func TestACachedTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testSettings()
		issuer, replica, token := newToken(t, s)
		for _, expected := range []error{nil, nil, ErrExpired} {
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
		_, replica, token := newToken(t, testSettings())
		issued := float64(time.Now().Unix())
		for ahead, valid := range map[float64]bool{0.004: true, 4.9: true, 6.1: false, 3600: false} {
			if _, err := replica.parse(token, issued-ahead); (err == nil) != valid {
				t.Errorf("%v s ahead: %v", ahead, err)
			}
		}
	})
}

func TestAClaimOfTheProgramComesBack(t *testing.T) {
	issuer, replica, _ := newToken(t, testSettings())
	want := Claims{Subject: uuid.Must(uuid.NewV7()), Session: uuid.Must(uuid.NewV7()), More: map[string]any{"plan": "gold"}}
	token, err := issuer.Issue(want)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := replica.Verify(token)
	if err != nil || claims.Subject != want.Subject || !reflect.DeepEqual(claims.More, want.More) {
		t.Errorf("%+v, %v", claims, err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || !strings.Contains(string(payload), `"plan":"gold"}`) || strings.Contains(string(payload), "More") {
		t.Errorf("the claims are %s, %v", payload, err)
	}
	for _, name := range []string{"sub", "exp", "sid"} { // the claims of the kit
		if token, err := issuer.Issue(Claims{More: map[string]any{name: "x"}}); err == nil {
			t.Errorf("%s is a claim twice: %s", name, token)
		}
	}
}
