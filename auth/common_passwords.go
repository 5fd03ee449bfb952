package auth

import (
	_ "embed"
	"strings"

	"example.com/latchkey/config"
	"example.com/latchkey/models"
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

// checkGuesses returns which of the first guesses a new password is, or "". The letters
// may be capitals. The email may be empty.
func checkGuesses(password Password, email models.Email) string {
	typed, _ := models.NewEmail(string(password)) // in the form of an email, to compare it with one
	local, _, _ := strings.Cut(string(email), "@")
	letters := strings.NewReplacer("-", "", " ", "")
	switch {
	case isCommon(strings.ToLower(string(password))):
		return "must not be one of the most common passwords"
	case email != "" && (typed == email || string(typed) == local):
		return "must not be the email, or its part before the @"
	case strings.EqualFold(letters.Replace(string(password)), letters.Replace(config.Realm)):
		return "must not be the name of this service"
	}
	return ""
}
