package middleware

import (
	"net/http"
	"regexp"
	"strings"
)

// traceparents matches version, trace id, parent id and flags. A later version may have
// more after them.
var traceparents = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// traceID returns the trace id of the traceparent header, or "" if that is missing or
// invalid (W3C Trace Context, section 3.2).
func traceID(header http.Header) string {
	values := header.Values("traceparent")
	if len(values) != 1 {
		return ""
	}
	parts := traceparents.FindStringSubmatch(values[0])
	if parts == nil {
		return ""
	}
	version, trace, parent, more := parts[1], parts[2], parts[3], parts[4]
	if version == "ff" || version == "00" && more != "" || strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	return trace
}
