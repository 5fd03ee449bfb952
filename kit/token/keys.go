package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"example.com/latchkey/kit/settings"
)

// keys are the keys of one algorithm, by kid. The current one signs; the previous
// ones also verify.
type keys struct {
	current string // its kid
	signing any
	verify  map[string]any
	public  jose.JSONWebKeySet
}

func newKeys(s Settings) keys {
	k := keys{verify: map[string]any{}, public: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}}
	if s.Algorithm == HS256 {
		for _, secret := range s.Secrets() {
			k.verify[secretID(secret)] = secret.Bytes()
		}
		k.current, k.signing = secretID(s.Secret), s.Secret.Bytes()
		return k
	}
	for _, public := range append([]crypto.PublicKey{s.Key.Public()}, s.PreviousKeys...) {
		jwk := jose.JSONWebKey{Key: public, Algorithm: s.Algorithm, Use: "sig"}
		thumbprint, err := jwk.Thumbprint(crypto.SHA256) // RFC 7638
		if err != nil {
			panic(err) // cannot happen with a key that Check has accepted
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
		k.verify[jwk.KeyID] = public
		k.public.Keys = append(k.public.Keys, jwk)
	}
	k.current, k.signing = k.public.Keys[0].KeyID, s.Key.Signer
	return k
}

// secretID is the kid of a secret. It is public, and a truncated hash does not help
// to guess a secret of 32 random bytes.
func secretID(secret settings.Secret) string {
	sum := sha256.Sum256(append([]byte("kid:"), secret.Bytes()...))
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// The algorithms that sign access tokens (RFC 7518, section 3.1; RFC 8037).
const (
	HS256 = "HS256"
	EdDSA = "EdDSA"
	ES256 = "ES256"
	RS256 = "RS256"
)

// keyKinds describes the keys of each algorithm, for error messages.
var keyKinds = map[string]string{EdDSA: "an Ed25519 key", ES256: "a key on the curve P-256", RS256: "an RSA key of 2048 bits or more"}

// GenerateKey makes a private key for EdDSA, ES256 or RS256.
func GenerateKey(algorithm string) (key PrivateKey, err error) {
	switch algorithm {
	case EdDSA:
		_, key.Signer, err = ed25519.GenerateKey(rand.Reader)
	case ES256:
		key.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		key.Signer, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		err = fmt.Errorf("%q is not one of EdDSA, ES256 and RS256", algorithm)
	}
	return key, err
}

// NewKey is GenerateKey for a key as PEM (PKCS #8).
func NewKey(algorithm string) ([]byte, error) {
	key, err := GenerateKey(algorithm)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key.Signer)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// loadKeys reads the key files of an asymmetric algorithm.
func (s *Settings) loadKeys(f settings.Section) {
	kind := keyKinds[s.Algorithm]
	switch {
	case s.Algorithm == HS256 && s.KeyFile == "" && len(s.PreviousKeyFiles) == 0:
	case s.Algorithm == HS256:
		f.Add("key_file and jwt.previous_key_files", "HS256 uses no key file: set jwt.algorithm, or remove them")
	case kind == "":
		f.Add("algorithm", "%q is not one of HS256, EdDSA, ES256 and RS256", s.Algorithm)
	case s.KeyFile == "":
		f.Add("key_file", "is empty, and %s needs %s: make one with `%s key new --algorithm %s`", s.Algorithm, kind, settings.Program(), s.Algorithm)
	default:
		s.Key.Signer, _ = s.readKey(f, "key_file", s.KeyFile)
		for _, file := range s.PreviousKeyFiles {
			_, public := s.readKey(f, "previous_key_files", file)
			s.PreviousKeys = append(s.PreviousKeys, public)
		}
	}
}

// readKey reads the PEM file of a setting, and adds its fault. Only a previous key may be
// a public one.
func (s *Settings) readKey(f settings.Section, setting, file string) (private crypto.Signer, public crypto.PublicKey) {
	text, err := settings.ReadFile(file)
	if err != nil {
		f.Add(setting, "%v", err)
		return nil, nil
	}
	key, err := parseKey(text)
	if err != nil {
		f.Add(setting, "%s cannot be read: %v", file, err)
		return nil, nil
	}
	public = key
	private, signs := key.(crypto.Signer)
	if signs {
		public = private.Public()
	}
	switch {
	case !fits(public, s.Algorithm):
		f.Add(setting, "%s does not hold %s, as %s needs", file, keyKinds[s.Algorithm], s.Algorithm)
	case !signs && file == s.KeyFile:
		f.Add(setting, "%s holds a public key, which cannot sign", file)
	}
	return private, public
}

// parseKey reads the PEM forms that OpenSSL writes, also behind the parameters of a
// curve, where golang-jwt finds no key.
func parseKey(text []byte) (any, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			return x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			return x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			return x509.ParsePKCS1PrivateKey(block.Bytes)
		case "PUBLIC KEY":
			return x509.ParsePKIXPublicKey(block.Bytes)
		}
	}
	return nil, errors.New("it holds no PEM key without a passphrase")
}

// fits reports whether an algorithm uses keys like this.
func fits(public crypto.PublicKey, algorithm string) bool {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return algorithm == EdDSA
	case *ecdsa.PublicKey:
		return algorithm == ES256 && key.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return algorithm == RS256 && key.N.BitLen() >= 2048 // RFC 7518, section 3.3
	}
	return false
}
