package cli

import (
	"fmt"
	"io"

	"example.com/latchkey/kit/server"
)

// Printf prints as fmt.Fprintf does, but what is not printable in the values as \u009b. A
// value may be a text of another person: a terminal would follow its escape sequences and
// its changes of direction, and a line end in it would begin a line of that person.
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
