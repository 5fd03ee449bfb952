// Package mail sends mails that are made of templates: by SMTP or, in development, into a
// folder.
package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// ErrPermanent is the error of a mail that the server, or this package, refuses for
// good. After any other error, a retry may help.
var ErrPermanent = errors.New("the mail is refused")

// Message is a mail to one address. Template names the files of its text, and Data is
// what they show.
type Message struct {
	To       string
	Template string
	Data     any
}

// Options are what a Sender needs.
type Options struct {
	Settings

	// Texts has two files for each mail: NAME.txt begins with the line of its subject, and
	// NAME.html is put into layout.html.
	Texts fs.FS

	Keep      bool   // each mail in Kept, if there is no URL
	PublicURL string // of the service, whose host the mail server is told; may be empty
}

// Sender sends messages.
type Sender struct {
	options Options
	deliver func(context.Context, *gomail.Msg) error // nil: it is kept
}

// New makes a Sender from settings that Check accepts, or returns nil if it would neither
// send mails nor keep them.
func New(o Options) *Sender {
	switch {
	case o.URL != "":
		dialer := net.Dialer{Timeout: connectTimeout}
		return &Sender{o, mailServer{o, dialer.DialContext}.send}
	case o.Keep:
		return &Sender{o, nil}
	}
	return nil
}

// Send sends a message. The error is ErrPermanent if a retry cannot help.
func (s *Sender) Send(ctx context.Context, message Message) error {
	msg, kept, err := s.compose(message)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	case s.deliver == nil:
		return Kept.keep(kept)
	}
	return s.deliver(ctx, msg)
}

func (s *Sender) compose(message Message) (msg *gomail.Msg, kept KeptMail, err error) {
	from, err := s.options.sender()
	if err != nil {
		return nil, kept, fmt.Errorf("mail.from: %w", err)
	}
	to, toErr := foldDomain(message.To)
	kept, textErr := render(s.options.Texts, message.Template, serviceName(from), message.Data)
	if err := errors.Join(toErr, textErr); err != nil {
		return nil, kept, err
	}
	kept.To = to
	msg = gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&mail.Address{Address: to})
	msg.Subject(kept.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(messageID(from.Address))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that no automatic reply is sent (RFC 3834)
	msg.SetBodyString(gomail.TypeTextPlain, kept.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, kept.HTML)
	_, err = msg.WriteTo(io.Discard) // finds an error before a server is asked
	return msg, kept, err
}

// serviceName is how templates call the service: the name in mail.from, or its domain.
func serviceName(from mail.Address) string {
	if from.Name != "" {
		return from.Name
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return domain
}

// foldDomain returns an address with its domain in ASCII, as SMTP needs it. It refuses
// what is not exactly one address, so that nothing else gets into a header.
func foldDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", errors.New("an address needs an @")
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return "", errors.New("the domain of the address is not valid")
	}
	folded := address[:at] + "@" + domain
	if parsed, err := mail.ParseAddress(folded); err != nil || parsed.Address != folded {
		return "", errors.New("the address is not valid")
	}
	return folded, nil
}
