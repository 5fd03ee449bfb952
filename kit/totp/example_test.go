package totp_test

import (
	"fmt"
	"time"

	"example.com/latchkey/kit/totp"
)

// A code is right once: the step of the last one is stored, and a code must be later.
func ExampleSecret_Find() {
	secret, now := totp.Secret("12345678901234567890"), time.Unix(59, 0) // totp.NewSecret(), time.Now()
	fmt.Println(secret.URL("Hello", "ada"))

	step, found := secret.Find("287082", now, 0)
	fmt.Println(step, found)
	_, again := secret.Find("287082", now, step)
	fmt.Println(again)
	// Output:
	// otpauth://totp/Hello:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Hello&algorithm=SHA1&digits=6&period=30
	// 1 true
	// false
}
