// Latchkey is an HTTP API with users, logins and protected routes.
package main

import (
	"fmt"
	"os"

	"example.com/latchkey/commands"
)

func main() {
	if err := commands.Root().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "latchkey:", err)
		os.Exit(1)
	}
}
