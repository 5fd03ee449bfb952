package commands

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// printf prints as fmt.Fprintf does, but what is not printable in the values as \u009b.
// Values may be other people's text, and a terminal obeys escape sequences and changes
// of direction in it, and a line end would begin a line that they have written.
func printf(out io.Writer, format string, values ...any) {
	shown := make([]any, len(values))
	for i, value := range values {
		shown[i] = printable{value}
	}
	fmt.Fprintf(out, format, shown...)
}

// printable formats a value like the value itself, and escapes the result.
type printable struct{ value any }

func (p printable) Format(state fmt.State, verb rune) {
	_, _ = io.WriteString(state, escape(fmt.Sprintf(fmt.FormatString(state, verb), p.value), ""))
}

// escape writes each character that is neither printable nor kept as \u and its UTF-16
// in hexadecimal, so that JSON keeps its meaning.
func escape(text, kept string) string {
	isPlain := func(r rune) bool { return strconv.IsPrint(r) || strings.ContainsRune(kept, r) }
	if !strings.ContainsFunc(text, func(r rune) bool { return !isPlain(r) }) {
		return text
	}
	var escaped strings.Builder
	for _, r := range text {
		if isPlain(r) {
			escaped.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
	}
	return escaped.String()
}
