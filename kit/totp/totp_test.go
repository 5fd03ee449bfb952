package totp_test

import (
	"strings"
	"testing"
	"time"

	"example.com/latchkey/kit/totp"
)

// The values of RFC 6238, appendix B, have two more digits.
func TestOneTimeCodesAreThoseOfTheRFC(t *testing.T) {
	secret := totp.Secret("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, found := secret.Find(totp.Code(want), time.Unix(at, 0), 0)
		if got := secret.At(at / 30); got != want || !found || step != at/30 {
			t.Errorf("at %d the code is %s, want %s, and it is found: %t, at step %d", at, got, want, found, step)
		}
	}
}

// Google Authenticator, 1Password and Aegis read it: with the service in the label and as
// the issuer, the secret without padding, and a space as %20.
func TestTheURLOfASecretIsAKeyURI(t *testing.T) {
	secret := totp.Secret("12345678901234567890")
	for _, c := range [][3]string{
		{"latchkey", "ada@example.com", "otpauth://totp/latchkey:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=latchkey&algorithm=SHA1&digits=6&period=30"},
		{"Ada & Co", "a+b@example.com", "otpauth://totp/Ada%20%26%20Co:a%2Bb%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ada%20%26%20Co&algorithm=SHA1&digits=6&period=30"},
	} {
		if got := secret.URL(c[0], c[1]); got != c[2] {
			t.Errorf("%s, want %s", got, c[2])
		}
	}
}

func TestACodeIsReadAsPeoplePasteIt(t *testing.T) {
	for _, between := range []string{
		" ", "\t", "\n", "\r\n", "\u0085", "\u00a0", "\u2003", "\u202f", "\u3000", "\u2028", "\u2029", // white space
		"\u00ad", "\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\ufeff", "\x00", // invisible
		"-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\ufe58", "\uff0d", // dashes
	} {
		for text, want := range map[string]string{"123%456": "123456", "%123456%": "123456", "ABCD%efgh%ijkl%mnop": "abcdefghijklmnop"} {
			var code totp.Code
			if err := code.UnmarshalText([]byte(strings.ReplaceAll(text, "%", between))); err != nil || string(code) != want {
				t.Errorf("%q is read as %q, %v", strings.ReplaceAll(text, "%", between), string(code), err)
			}
		}
	}
	for _, wrong := range []string{"123.456", "123_456", "12345é"} {
		var code totp.Code
		if _ = code.UnmarshalText([]byte(wrong)); string(code) != wrong {
			t.Errorf("%q is read as %q", wrong, string(code))
		}
	}
}
