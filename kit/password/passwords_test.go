package password_test

import (
	"strings"
	"testing"

	"example.com/latchkey/kit/password"
)

func TestAPasswordHasAtMost72BytesInNFC(t *testing.T) {
	for claim, c := range map[string]struct{ typed, want string }{
		"72 bytes":                       {strings.Repeat("x", 72), strings.Repeat("x", 72)},
		"73 bytes":                       {strings.Repeat("x", 73), ""},
		"252 bytes that NFC makes 72":    {strings.Repeat("\u1fbe\u0308\u0301", 36), strings.Repeat("\u0390", 36)},
		"259 bytes that NFC makes 74":    {strings.Repeat("\u1fbe\u0308\u0301", 37), ""},
		"60 bytes that NFC makes 120":    {strings.Repeat("\u0958", 20), ""},
		"too long for NFC to make it 72": {strings.Repeat("x", 289), ""},
	} {
		t.Run(claim, func(t *testing.T) {
			var password password.Password
			err := password.UnmarshalText([]byte(c.typed))
			if (err != nil) != (c.want == "") || err == nil && string(password) != c.want {
				t.Errorf("%q, %v", string(password), err)
			}
			if err != nil && err.Error() != "must have at most 72 bytes" {
				t.Error(err)
			}
		})
	}
	long := []byte(strings.Repeat("\u0958", 300_000))
	var password password.Password
	copies := testing.AllocsPerRun(3, func() { _ = password.UnmarshalText(long) })
	if copies > 0 {
		t.Errorf("a long text is copied %v times", copies)
	}
}
