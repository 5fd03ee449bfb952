package password

import (
	_ "embed"
	"strings"
)

// commonPasswords are the most common passwords of 8 and more characters, in lower case,
// sorted, and each with a line end.
//
//go:embed common_passwords.txt
var commonPasswords string

// isCommon searches the text as it is, so that the start of the program has no work.
func isCommon(password string) bool {
	for list := commonPasswords; list != ""; {
		start := strings.LastIndexByte(list[:len(list)/2], '\n') + 1
		end := start + strings.IndexByte(list[start:], '\n')
		switch strings.Compare(strings.TrimSuffix(list[start:end], "\r"), password) {
		case 0:
			return true
		case -1:
			list = list[end+1:]
		default:
			list = list[:start]
		}
	}
	return false
}
