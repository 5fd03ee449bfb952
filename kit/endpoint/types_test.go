package endpoint_test

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// password prints as stars.
type password string

func (p *password) UnmarshalText(text []byte) error {
	*p = password(text)
	return nil
}

func (password) MarshalText() ([]byte, error) { return []byte("********"), nil }

// email is refused by its length before anything else is done with it.
type email string

func (e *email) UnmarshalText(text []byte) error {
	if len(text) > 4*254 {
		return errors.New("must be a maximum of 254 characters in length")
	}
	*e = email(strings.ToLower(string(text)))
	return nil
}

type withVersion struct {
	At time.Time `json:"at"`
}

func (v withVersion) ETag() string { return fmt.Sprintf(`"%x"`, v.At.UnixMicro()) }
