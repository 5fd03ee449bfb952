// Latchkey is an HTTP API with users, logins and protected routes.
package main

import (
	"fmt"
	"os"
	"time"

	"example.com/latchkey/commands"
)

func main() {
	if err := commands.Root().Execute(); err != nil {
		say(err)
		os.Exit(1)
	}
}

// say gives up after a while, where nobody reads what is printed.
func say(err error) {
	said := make(chan struct{})
	go func() {
		fmt.Fprintln(os.Stderr, "latchkey:", err)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(time.Second):
	}
}
