package endpoint

import (
	"net/http"
	"strings"
)

// Versioned is an answer with an ETag header: a quoted string that changes when
// the answer changes (RFC 9110, section 8.8.3).
type Versioned interface{ ETag() string }

// MatchesTag reports whether an If-Match or If-None-Match header has a tag (RFC 9110,
// section 13.1). A proxy that compresses may make the tag weak or add -gzip to it,
// and the client sends back the changed tag. Both match, and so does * alone.
func MatchesTag(header, tag string) bool {
	if header == "*" {
		return true
	}
	for name := range strings.SplitSeq(header, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "W/")
		if name == tag || strings.TrimSuffix(name, `-gzip"`)+`"` == tag {
			return true
		}
	}
	return false
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }
