package email_test

import (
	"encoding/json"
	"fmt"

	"example.com/latchkey/kit/email"
)

// A field of this type has the stored form of an address, however it was typed.
func ExampleAddress() {
	var in struct {
		Email email.Address `json:"email"`
	}
	for _, body := range []string{`{"email": " Ada@Bücher.example "}`, `{"email": "a da@exa_mple.com"}`} {
		err := json.Unmarshal([]byte(body), &in)
		fmt.Println(in.Email, err)
	}
	// Output:
	// ada@xn--bcher-kva.example <nil>
	//  must be a valid email address
}
