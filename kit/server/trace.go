package server

import (
	"net/http"
	"strings"
)

// traceID returns the trace id of the traceparent header, or "" if that is missing or
// invalid (W3C Trace Context, section 3.2).
func traceID(header http.Header) string {
	values := header.Values("traceparent")
	if len(values) != 1 {
		return ""
	}
	parts := strings.SplitN(values[0], "-", 5)
	if len(parts) < 4 || !isHex(parts[0], 2) || !isHex(parts[1], 32) || !isHex(parts[2], 16) || !isHex(parts[3], 2) {
		return ""
	}
	version, trace, parent := parts[0], parts[1], parts[2]
	hasMore := len(parts) > 4 // as later versions may have
	if version == "ff" || version == "00" && hasMore || strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	return trace
}

func isHex(text string, length int) bool {
	return len(text) == length && strings.Trim(text, "0123456789abcdef") == ""
}
