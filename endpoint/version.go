package endpoint

import (
	"net/http"
	"strings"
)

// Versioned is an answer with a version, which its ETag header tells: a quoted
// word that changes whenever the answer does (RFC 9110, section 8.8.3).
type Versioned interface{ ETag() string }

// MatchesTag reports whether an If-Match or If-None-Match header names a version
// (RFC 9110, section 13.1). A proxy that compresses makes the tag weak, or adds
// -gzip to it, and the client sends it back so; the version is the same.
func MatchesTag(header, tag string) bool {
	for name := range strings.SplitSeq(header, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "W/")
		if name == "*" || name == tag || strings.TrimSuffix(name, `-gzip"`)+`"` == tag {
			return true
		}
	}
	return false
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }
