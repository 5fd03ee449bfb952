package email_test

import (
	"runtime"
	"strings"
	"testing"

	"example.com/latchkey/kit/email"
)

func TestATypedEmailIsConvertedOrRefused(t *testing.T) {
	for claim, c := range map[string]struct{ typed, want string }{
		"254 letters of 4 bytes are 254 of 1":      {strings.Repeat("𝐀", 254), strings.Repeat("a", 254)},
		"spaces are trimmed":                       {" ADA@example.com" + strings.Repeat(" ", 1000), "ada@example.com"},
		"U+FEFF is trimmed":                        {"\ufeffada@example.com\ufeff", "ada@example.com"},
		"a domain of any script is ASCII":          {"ada@Bücher.example", "ada@xn--bcher-kva.example"},
		"a domain in ASCII stays, without its dot": {"ada@XN--BCHER-KVA.example.", "ada@xn--bcher-kva.example"},
		"an invisible character":                   {"a\u200bda@example.com", ""},
		"an invisible character in the domain":     {"ada@exa\u00admple.com", ""},
		"a control character":                      {"a\u0007da@example.com", ""},
		"a quoted local part":                      {`"a da"@example.com`, ""},
		"a label of 64 characters":                 {"ada@" + strings.Repeat("x", 64) + ".com", ""},
		"an underscore in the domain":              {"ada@ex_ample.com", ""},
		"1,017 bytes":                              {strings.Repeat("x", 1017), ""},
		"a text that NFKC makes 18 times longer":   {strings.Repeat("\ufdfa", 339), ""},
	} {
		t.Run(claim, func(t *testing.T) {
			var address email.Address
			if err := address.UnmarshalText([]byte(c.typed)); string(address) != c.want || (err != nil) != (c.want == "") {
				t.Errorf("%q, %v", address, err)
			}
		})
	}
}

func TestALongTextIsRefusedBeforeNFKC(t *testing.T) {
	long := []byte(strings.Repeat("\ufdfa", 300_000))
	var address email.Address
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := address.UnmarshalText(long)
	runtime.ReadMemStats(&after)
	// NFKC would make 18 times as many characters.
	if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 2*uint64(len(long)) {
		t.Errorf("%d bytes take %d bytes of memory: %v", len(long), took, err)
	}
}
