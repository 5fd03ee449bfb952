package seal_test

import (
	"fmt"

	"example.com/latchkey/kit/seal"
	"example.com/latchkey/kit/settings"
)

// A link in a mail has a signed text. Another use or another state does not verify it.
func ExampleKeys_Sign() {
	keys := seal.Derive([]settings.Secret{settings.NewSecret()}, "mail links")
	text := keys.Sign([]byte("user 7"), "reset", "the password's hash")

	signed, ok := seal.Parse(text, len("user 7"))
	fmt.Printf("%s %t\n", signed.Payload, ok)
	fmt.Println(keys.Verify(signed, "reset", "the password's hash"))
	fmt.Println(keys.Verify(signed, "reset", "the hash of a new password"))
	// Output:
	// user 7 true
	// true
	// false
}

// A value in a row is encrypted for that row. A previous secret still decrypts it.
func ExampleKeys_Encrypt() {
	before, now := settings.NewSecret(), settings.NewSecret()
	stored := seal.Derive([]settings.Secret{before}, "phones").Encrypt([]byte("+44 20 7946 0000"), []byte("user 7"))

	keys := seal.Derive([]settings.Secret{now, before}, "phones")
	value, current, err := keys.Decrypt(stored, []byte("user 7"))
	fmt.Printf("%s %t %v\n", value, current, err)
	_, _, err = keys.Decrypt(stored, []byte("user 8"))
	fmt.Println(err)
	// Output:
	// +44 20 7946 0000 false <nil>
	// none of the keys decrypts it
}
