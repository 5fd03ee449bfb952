package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"example.com/latchkey/config"
)

const (
	// A server gets timeout to take a connection with its login, and as much again to
	// take a mail.
	timeout = 15 * time.Second

	minRefusal = 500 // SMTP answers from here on are refusals for good (RFC 5321, section 4.2.1)
)

// newClient makes a client from mail.url, which config has checked. A connection is
// encrypted, or no mail is sent: smtp demands STARTTLS, smtps is TLS from the start.
func newClient(mailURL config.Secret, timeout time.Duration) (*gomail.Client, error) {
	u, err := url.Parse(string(mailURL))
	if err != nil {
		return nil, errors.New("mail.url: cannot be read") // the error of url has the password
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		host = u.Hostname() // an IPv6 address
	}
	options := []gomail.Option{gomail.WithTimeout(timeout), gomail.WithTLSPortPolicy(gomail.TLSMandatory)}
	if u.Scheme == "smtps" {
		options = append(options, gomail.WithSSL(), gomail.WithPort(config.SMTPSPort))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		options = append(options, gomail.WithPort(port))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, gomail.WithUsername(u.User.Username()), gomail.WithPassword(password), gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover))
	}
	return gomail.NewClient(host, options...)
}

// send sends a mail over a new connection.
func send(ctx context.Context, client *gomail.Client, msg *gomail.Msg) error {
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail.url: no connection: %w", err)
	}
	err = client.SendWithSMTPClient(connection, msg)
	_ = client.CloseWithSMTPClient(connection)
	switch {
	case msg.IsDelivered(): // what fails after that must not send it twice
		return nil
	case refused(err):
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

// refused reports whether the server has refused the recipient or the mail for good. A
// refused sender or login does not count: somebody may correct the settings.
func refused(err error) bool {
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() < minRefusal {
		return false
	}
	switch failed.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	default:
		return false
	}
}

// messageID returns a new id in the domain of the sender. The library's has the name of
// this machine.
func messageID(from string) string {
	return uuid.Must(uuid.NewV7()).String() + from[strings.LastIndexByte(from, '@'):]
}
