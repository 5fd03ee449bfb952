package token

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"

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
