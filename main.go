// Latchkey is an HTTP API with users, logins and protected routes.
package main

import (
	"os"

	"example.com/latchkey/commands"
	"example.com/latchkey/parts"
)

func main() { os.Exit(commands.Run(parts.All())) }
