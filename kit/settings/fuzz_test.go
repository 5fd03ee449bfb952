package settings_test

import (
	"slices"
	"testing"
)

func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"environment: development\nserver: {address: ':80', origins: [a], max_body: 1MiB, timeout: 1m}\n",
		"", "x", "a: [", "- 1", "1: 2", "null", "server:", "server: 5", "server: []", "server: {address: {}}",
		"server.address: x", "SERVER: {ADDRESS: x}", "server: {timeout: 5}", "server: {workers: 1e99}",
		"server: {origins: [[1], null, {a: b}]}", "a: &a {b: *a}", "<<: {server: {address: x}}", "---\n---\n", "\x00", "\ufeffenvironment: x",
		"? [a]\n: b", "jwt: {secret: !!binary aGVsbG8=}", "server: {max_body: 2001-01-01}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, faults := load(t, string(content), "APP_JWT_SECRET="+key)
		if string(s.JWT.Secret) != key || s.Server.MaxBody < 0 || slices.Contains(faults, "") {
			t.Errorf("%+v, %v", s, faults)
		}
	})
}
