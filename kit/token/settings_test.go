package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/latchkey/kit/settings"
	"example.com/latchkey/kit/token"
)

// check returns the faults of the settings of a service after a change.
func check(change func(*token.Settings)) (token.Settings, settings.Faults) {
	s := token.Defaults()
	s.Issuer, s.Audience, s.Secret = "hello", "hello", settings.NewSecret()
	change(&s)
	var faults settings.Faults
	s.Check(faults.Section("jwt"), "set it")
	return s, faults
}

// asymmetric are settings with key files.
func asymmetric(algorithm, file string, previous ...string) func(*token.Settings) {
	return func(s *token.Settings) { s.Algorithm, s.KeyFile, s.PreviousKeyFiles = algorithm, file, previous }
}

func TestAWrongSettingIsReportedWithAdvice(t *testing.T) {
	good, missing := pemFile(t, token.ES256), filepath.Join(t.TempDir(), "missing")
	writable := write(t, []byte("x"))
	if err := os.Chmod(writable, 0o602); err != nil { //nolint:gosec // wrong on purpose
		t.Fatal(err)
	}
	for claim, c := range map[string]struct {
		change func(*token.Settings)
		want   string
	}{
		"a lifetime of zero":            {func(s *token.Settings) { s.AccessTTL = 0 }, "jwt.access_ttl: 0s is not greater than 0"},
		"no cached tokens":              {func(s *token.Settings) { s.MaxRemembered = 0 }, "jwt.max_remembered: 0 is not greater than 0: to cache nothing, set jwt.revocation_lag to 0"},
		"no issuer":                     {func(s *token.Settings) { s.Issuer = "" }, "jwt.issuer and jwt.audience: neither may be empty"},
		"a weak secret":                 {func(s *token.Settings) { s.Secret = "short" }, "jwt.secret: has 5 bytes, fewer than 32: set it"},
		"a weak previous secret":        {func(s *token.Settings) { s.PreviousSecrets = []settings.Secret{settings.NewSecret(), "short"} }, "jwt.previous_secrets[1]: has 5 bytes, fewer than 32: remove it"},
		"the algorithm none":            {asymmetric("none", ""), `jwt.algorithm: "none" is not one of HS256, EdDSA, ES256 and RS256`},
		"an algorithm in lower case":    {asymmetric("eddsa", ""), `jwt.algorithm: "eddsa" is not one of HS256, EdDSA`},
		"a file without its algorithm":  {asymmetric(token.HS256, good), "jwt.key_file and jwt.previous_key_files: HS256 uses no key file: set jwt.algorithm, or remove them"},
		"an algorithm without its file": {asymmetric(token.EdDSA, ""), "jwt.key_file: is empty, and EdDSA needs an Ed25519 key: make one with `token.test key new --algorithm EdDSA`"},
		"a file that is missing":        {asymmetric(token.EdDSA, missing), "jwt.key_file: open " + missing + ": no such file"},
		"a file that others may write":  {asymmetric(token.EdDSA, writable), "others may write it: run chmod go-w "},
		"a file of another algorithm":   {asymmetric(token.RS256, good), "does not hold an RSA key of 2048 bits or more, as RS256 needs"},
		"a file that is not PEM":        {asymmetric(token.ES256, write(t, []byte("hello"))), "it holds no PEM key without a passphrase"},
		"a file that is not whole":      {asymmetric(token.ES256, write(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("0")}))), "cannot be read: "},
		"a file of a public key":        {asymmetric(token.ES256, publicFile(t)), "holds a public key, which cannot sign"},
		"a previous file is missing":    {asymmetric(token.ES256, good, missing), "jwt.previous_key_files: open " + missing},
		"a key on another curve":        {asymmetric(token.ES256, curveFile(t, elliptic.P384())), "does not hold a key on the curve P-256, as ES256 needs"},
		"an RSA key of 1024 bits":       {asymmetric(token.RS256, weakFile(t)), "does not hold an RSA key of 2048 bits or more"},
	} {
		t.Run(claim, func(t *testing.T) {
			if _, faults := check(c.change); len(faults) != 1 || !strings.Contains(faults[0], c.want) {
				t.Errorf("%v\nwant %s", faults, c.want)
			}
		})
	}
}

func write(t *testing.T, content []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil { //nolint:gosec // in a folder of this test
		t.Fatal(err)
	}
	return file
}

// pemFile writes a new private key to a file.
func pemFile(t *testing.T, algorithm string) string {
	t.Helper()
	text, err := token.NewKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, text)
}

// derFile writes a key, encoded by encode, to a PEM file.
func derFile[Key any](t *testing.T, kind string, key Key, encode func(Key) ([]byte, error)) string {
	t.Helper()
	der, err := encode(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func curveKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func curveFile(t *testing.T, curve elliptic.Curve) string {
	return derFile(t, "EC PRIVATE KEY", curveKey(t, curve), x509.MarshalECPrivateKey)
}

func publicFile(t *testing.T) string {
	return derFile(t, "PUBLIC KEY", any(curveKey(t, elliptic.P256()).Public()), x509.MarshalPKIXPublicKey)
}

func weakFile(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // weak on purpose
	if err != nil {
		t.Fatal(err)
	}
	return derFile(t, "RSA PRIVATE KEY", key, func(key *rsa.PrivateKey) ([]byte, error) { return x509.MarshalPKCS1PrivateKey(key), nil })
}

func TestKeyFilesAreRead(t *testing.T) {
	for _, algorithm := range []string{token.EdDSA, token.ES256, token.RS256} {
		s, faults := check(asymmetric(algorithm, pemFile(t, algorithm), pemFile(t, algorithm)))
		if len(faults) > 0 || s.Key.Signer == nil || len(s.PreviousKeys) != 1 {
			t.Errorf("%s: %v", algorithm, faults)
		}
	}
	if s, faults := check(asymmetric(token.ES256, pemFile(t, token.ES256), publicFile(t))); len(faults) > 0 || len(s.PreviousKeys) != 1 {
		t.Errorf("a public key may be a previous one: %v", faults)
	}
}

// `openssl ecparam -genkey` writes the curve, and then the key in its older form.
func TestKeysFromOpenSSLAreRead(t *testing.T) {
	key, err := os.ReadFile(curveFile(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte("x")}), key...)
	if _, faults := check(asymmetric(token.ES256, write(t, text))); len(faults) > 0 {
		t.Error(faults)
	}
}

func TestAPrivateKeyIsNeverPrinted(t *testing.T) {
	s, faults := check(asymmetric(token.EdDSA, pemFile(t, token.EdDSA)))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		fmt.Fprintf(&out, verb+verb+"\n", s.Key, s)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("all", "settings", s)
	if err := json.NewEncoder(&out).Encode(s); err != nil { //nolint:gosec // it prints as stars
		t.Fatal(err)
	}
	private := s.Key.Signer.(ed25519.PrivateKey)
	decimal := strings.Trim(fmt.Sprintf("%d", private[:8]), "[]")
	for _, secret := range []string{decimal, fmt.Sprintf("%x", private[:8]), fmt.Sprintf("%X", private[:8]), base64.StdEncoding.EncodeToString(private[:6])} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in\n%s", secret, out.String())
		}
	}
}
