package endpoint_test

import (
	"testing"

	"example.com/latchkey/endpoint"
)

func TestATagChangedByAProxyMatches(t *testing.T) {
	for header, matches := range map[string]bool{
		`"5f"`: true, `W/"5f"`: true, `"5f-gzip"`: true, `W/"5f-gzip"`: true, `*`: true, `"a", W/"5f"`: true,
		`"5"`: false, `5f`: false, `"5f-br"`: false, `"-gzip"`: false, `w/"5f"`: false, `"a", *`: false, ``: false,
	} {
		if got := endpoint.MatchesTag(header, `"5f"`); got != matches {
			t.Errorf("%s matches: %v", header, got)
		}
	}
}
