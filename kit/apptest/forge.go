package apptest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// Flip changes one letter of a text.
func Flip(text string) string {
	middle := len(text) / 2
	if text[middle] == 'A' {
		return text[:middle] + "B" + text[middle+1:]
	}
	return text[:middle] + "A" + text[middle+1:]
}

// SetUnusedBit sets a bit after the last byte of a text in base64url, which a lenient
// decoder ignores.
func SetUnusedBit(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(text) - 1
	return text[:last] + string(alphabet[strings.IndexByte(alphabet, text[last])^1])
}

// DecodeToken returns the header and the claims of a JWT, without verifying its
// signature.
func DecodeToken(t testing.TB, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}
