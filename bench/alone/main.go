// Command alone is the program without any part.
package main

import (
	"os"

	"example.com/latchkey/commands"
)

func main() { os.Exit(commands.Run(nil)) }
