package settings_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/latchkey/kit/settings"
)

func TestAWeakSecretIsReported(t *testing.T) {
	for secret, want := range map[string]string{
		key:                                    "",
		"":                                     "x.secret: is empty: set it",
		key[:31]:                               "x.secret: has 31 bytes, fewer than 32: set it",
		"ChangeMe-" + key:                      "x.secret: is a placeholder or repeats itself: set it",
		strings.Repeat(key[:16], 2):            "x.secret: is a placeholder or repeats itself: set it",
		strings.Repeat(key[:13], 3):            "x.secret: is a placeholder or repeats itself: set it",
		strings.Repeat("abcabbc", 5):           "x.secret: is a placeholder or repeats itself: set it",
		"abcabbcacbbacabcbabcabcccabacbabbcab": "x.secret: is a placeholder or repeats itself: set it",
	} {
		var faults settings.Faults
		faults.Section("x").Strength("secret", settings.Secret(secret), "set it")
		if got := strings.Join(faults, "\n"); got != want {
			t.Errorf("%q: %q, want %q", secret, got, want)
		}
	}
}

func TestProgramsThatStartTogetherStoreOneSecret(t *testing.T) {
	for range 20 {
		file := filepath.Join(t.TempDir(), "data", "secret")
		secrets := make([]settings.Secret, 8)
		var group sync.WaitGroup
		for i := range secrets {
			group.Go(func() {
				var err error
				if secrets[i], err = settings.StoredSecret(file); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if secrets = slices.Compact(secrets); len(secrets) != 1 || len(secrets[0]) != 43 {
			t.Fatalf("%d secrets, the first of %d bytes", len(secrets), len(secrets[0]))
		}
		files, err := os.ReadDir(filepath.Dir(file))
		if err != nil || len(files) != 1 {
			t.Fatalf("the folder has %v, %v", files, err)
		}
		if info, err := files[0].Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
}

func TestAStoredSecretThatIsEmptyIsRefused(t *testing.T) {
	file := write(t, "")
	if _, err := settings.StoredSecret(file); err == nil || err.Error() != file+" is empty: remove it" {
		t.Error(err)
	}
}

func TestAKeyIsNeverOverwritten(t *testing.T) {
	file := write(t, key)
	if err := settings.WriteNew(file, []byte("another")); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if content, err := settings.ReadFile(file); err != nil || string(content) != key {
		t.Errorf("%q, %v", content, err)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	s, _ := load(t, "", "APP_JWT_SECRET="+key, "APP_JWT_PREVIOUS="+key)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, s.JWT.Secret, &s.JWT.Secret)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("all", "settings", s, "secret", s.JWT.Secret)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("all", "settings", s, "secret", s.JWT.Secret)
	if err := json.NewEncoder(&out).Encode(s); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"jwt: {secret: [" + key + "]}", "jwt: {previous: [[" + key + "]]}", "jwt: {previous: {a: " + key + "}}"} {
		_, faults := load(t, wrong)
		fmt.Fprintln(&out, faults)
	}
	for _, secret := range []string{key, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key)} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in\n%s", secret, out.String())
		}
	}
	if strings.Count(out.String(), "********") < 10 {
		t.Errorf("the secret was not printed at all:\n%s", out.String())
	}
}
