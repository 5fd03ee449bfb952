package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"example.com/latchkey/kit/settings"
)

// The algorithms that sign access tokens (RFC 7518, section 3.1; RFC 8037).
const (
	HS256 = "HS256"
	EdDSA = "EdDSA"
	ES256 = "ES256"
	RS256 = "RS256"
)

// The bits of an RSA key: the fewest allowed (RFC 7518, section 3.3), and those of a new key.
const (
	minRSABits = 2048
	newRSABits = 3072
)

// keyKinds describes the keys of each algorithm, for error messages.
var keyKinds = map[string]string{EdDSA: "an Ed25519 key", ES256: "a key on the curve P-256", RS256: "an RSA key of 2048 bits or more"}

// NewKey makes a private key for EdDSA, ES256 or RS256, as PEM (PKCS #8).
func NewKey(algorithm string) ([]byte, error) {
	var key crypto.Signer
	var err error
	switch algorithm {
	case EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		key, err = rsa.GenerateKey(rand.Reader, newRSABits)
	default:
		err = fmt.Errorf("%q is not one of EdDSA, ES256 and RS256", algorithm)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// loadKeys reads the key files of an asymmetric algorithm.
func (s *Settings) loadKeys(f settings.Section) {
	kind := keyKinds[s.Algorithm]
	switch {
	case s.Algorithm == HS256 && (s.KeyFile != "" || len(s.PreviousKeyFiles) > 0):
		f.Add("key_file and jwt.previous_key_files", "HS256 uses no key file: set jwt.algorithm, or remove them")
		return
	case s.Algorithm == HS256:
		return
	case kind == "":
		f.Add("algorithm", "%q is not one of HS256, EdDSA, ES256 and RS256", s.Algorithm)
		return
	case s.KeyFile == "":
		f.Add("key_file", "is empty, and %s needs %s: make one with `%s key new --algorithm %s`", s.Algorithm, kind, settings.Program(), s.Algorithm)
		return
	}
	private, _, err := readKey(s.KeyFile, s.Algorithm)
	if err == nil && private == nil {
		err = fmt.Errorf("%s holds a public key, which cannot sign", s.KeyFile)
	}
	if err != nil {
		f.Add("key_file", "%v", err)
	}
	s.Key = PrivateKey{private}
	for _, file := range s.PreviousKeyFiles {
		_, public, err := readKey(file, s.Algorithm)
		if err != nil {
			f.Add("previous_key_files", "%v", err)
		}
		s.PreviousKeys = append(s.PreviousKeys, public)
	}
}

// readKey reads a PEM file. private is nil if the file holds a public key.
func readKey(file, algorithm string) (private crypto.Signer, public crypto.PublicKey, err error) {
	text, err := settings.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	public = key
	if signer, ok := key.(crypto.Signer); ok {
		private, public = signer, signer.Public()
	}
	if algorithmOf(public) != algorithm {
		return nil, nil, fmt.Errorf("%s does not hold %s, as %s needs", file, keyKinds[algorithm], algorithm)
	}
	return private, public, nil
}

// parseKey reads the PEM forms that OpenSSL writes.
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

// algorithmOf returns the algorithm that uses a key like this, or "".
func algorithmOf(public crypto.PublicKey) string {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return EdDSA
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return ES256
		}
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSABits {
			return RS256
		}
	}
	return ""
}
