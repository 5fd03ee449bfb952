package cli

import (
	"fmt"
	"io"

	"example.com/latchkey/kit/server"
)

// Printf prints as fmt.Fprintf does, but what is not printable in the values as \u009b.
// Values may be other people's text, and a terminal obeys escape sequences and changes
// of direction in it, and a line end would begin a line that they have written.
func Printf(out io.Writer, format string, values ...any) {
	shown := make([]any, len(values))
	for i, value := range values {
		shown[i] = printable{value}
	}
	fmt.Fprintf(out, format, shown...)
}

// printable formats a value like the value itself, and escapes the result.
type printable struct{ value any }

func (p printable) Format(state fmt.State, verb rune) {
	_, _ = io.WriteString(state, server.Escape(fmt.Sprintf(fmt.FormatString(state, verb), p.value), ""))
}
