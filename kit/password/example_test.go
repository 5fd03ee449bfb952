package password_test

import (
	"context"
	"fmt"
	"runtime"

	"example.com/latchkey/kit/password"
)

// Passwords are hashed with bcrypt, at most one on each core at a time.
func Example() {
	s := password.Defaults()
	s.BcryptCost = 4 // as fast as possible, for this example only
	passwords := password.New(s, runtime.NumCPU(), password.Bcrypt())

	ctx := context.Background()
	hash, err := passwords.Hash(ctx, "password", "correct horse", nil)
	fmt.Println(len(hash), err)
	stored := func() (string, error) { return hash, nil }
	right, err := passwords.Verify(ctx, "correct horse", stored)
	fmt.Println(right, err)
	fmt.Println(passwords.Check("password", "password1", nil))
	// Output:
	// 60 <nil>
	// true <nil>
	// [{password must not be one of the most common passwords}]
}
