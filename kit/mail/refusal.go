package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// enhanced is an enhanced status code with its class, subject and detail (RFC 3463). It
// begins an answer.
var enhanced = regexp.MustCompile(`^([245])\.(\d{1,3})\.(\d{1,3})( |$)`)

// final makes an error ErrPermanent if the server refuses this recipient or this mail.
// What it refuses because of settings, of this program or of the server, is tried again
// later: somebody may correct them.
func final(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && refused(answer) {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

func refused(answer *textproto.Error) bool {
	code := enhanced.FindStringSubmatch(answer.Msg)
	switch {
	case answer.Code/100 != 5:
		return false
	case code == nil || code[2] == "0": // the basic code tells it
		return answer.Code/10 == 55
	case code[1] != "5":
		return false
	}
	switch subject, detail := code[2], code[3]; subject {
	case "1": // an address
		return detail != "7" && detail != "8" // of the sender
	case "3": // the server itself
		return detail == "4" // the mail is too big
	case "5", "7": // the protocol, and who may do what
		return false
	default:
		return true
	}
}

// checkASCII refuses an address that the server does not take (RFC 6531).
func checkASCII(client *smtp.Client, from, to string) error {
	taken, _ := client.Extension("SMTPUTF8")
	client.SkipSMTPUTF8(isASCII(from + to)) // what is marked does not reach a server without it
	switch {
	case !taken && !isASCII(from):
		return errors.New("mail.from: the mail server takes only addresses in ASCII, because it does not offer SMTPUTF8")
	case !taken && !isASCII(to):
		return fmt.Errorf("%w: the mail server takes only addresses in ASCII, because it does not offer SMTPUTF8", ErrPermanent)
	}
	return nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '\x7f' })
}
