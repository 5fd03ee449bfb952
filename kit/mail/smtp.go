package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/net/idna"
)

// How long a mail server may take. After connectTimeout it counts as away. The others are
// those of RFC 5321, section 4.5.3.2: a sender that waits less for the answer to a mail
// sends it twice.
const (
	connectTimeout = time.Minute      // to take a connection and greet
	answerTimeout  = 5 * time.Minute  // for the answer to a command
	endTimeout     = 10 * time.Minute // for the answer to the end of a mail
)

// mailServer is the one of mail.url, which Check has accepted. A connection is
// encrypted, or no mail is sent: smtp demands STARTTLS, smtps is TLS from the start.
type mailServer struct {
	options Options
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// send sends a mail over a new connection.
func (s mailServer) send(ctx context.Context, msg *gomail.Msg) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	client, err := s.login(ctx)
	if err != nil {
		return fmt.Errorf("mail.url: no connection: %w", err)
	}
	from, fromErr := msg.GetSender(false)
	to, toErr := msg.GetRecipients()
	if err := errors.Join(fromErr, toErr); err != nil {
		return err
	}
	if err := checkASCII(client, from, to[0]); err != nil {
		return err
	}
	if err := do(client, "MAIL FROM", answerTimeout, func() error { return client.Mail(from) }); err != nil {
		return err // the sender is a setting, which somebody may correct
	}
	err = do(client, "RCPT TO", answerTimeout, func() error { return client.Rcpt(to[0]) })
	if err == nil {
		err = transmit(client, msg)
	}
	if err == nil {
		_ = do(client, "QUIT", connectTimeout, client.Quit) // the mail is sent, whatever the answer
	}
	return final(err)
}

func transmit(client *smtp.Client, msg *gomail.Msg) error {
	return do(client, "DATA", answerTimeout, func() error {
		content, err := client.Data()
		if err == nil {
			_, err = msg.WriteTo(content)
		}
		if err != nil {
			return err // without the end, the server drops it
		}
		return do(client, "the end of the mail", endTimeout, content.Close)
	})
}

// do runs a command, whose answer may take a while.
func do(client *smtp.Client, command string, timeout time.Duration, run func() error) error {
	err := client.UpdateDeadline(timeout)
	if err == nil {
		err = run()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// login connects and, if mail.url has a user, logs in. A server may refuse a mechanism
// that it offers, and so each is tried.
func (s mailServer) login(ctx context.Context) (*smtp.Client, error) {
	u, err := url.Parse(string(s.options.URL))
	if err != nil {
		return nil, errors.New("it cannot be read") // the error of url has the password
	}
	client, err := s.connect(ctx, u)
	if err != nil || u.User == nil {
		return client, err
	}
	mechanisms := offered(client, u)
	if len(mechanisms) == 0 {
		return nil, errors.New("the server offers no way to log in that this program knows")
	}
	var refusals error
	for i, mechanism := range mechanisms {
		if i > 0 { // a refusal ends the connection
			if client, err = s.connect(ctx, u); err != nil {
				return nil, errors.Join(refusals, err)
			}
		}
		err := do(client, "AUTH", answerTimeout, func() error { return client.Auth(mechanism) })
		if err == nil {
			return client, nil
		}
		refusals = errors.Join(refusals, err)
	}
	return nil, refusals
}

// hostOf returns the host of mail.url, a name in ASCII or an address.
func hostOf(u *url.URL) string {
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return u.Hostname() // an IPv6 address
	}
	return host
}

// connect connects until ctx ends.
func (s mailServer) connect(ctx context.Context, u *url.URL) (*smtp.Client, error) {
	host, port := hostOf(u), smtpPort
	if u.Scheme == "smtps" {
		port = smtpsPort
	}
	tcp, err := s.dial(ctx, "tcp", net.JoinHostPort(host, cmp.Or(u.Port(), port)))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = tcp.Close() })
	if err := tcp.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
		return nil, err
	}
	conn, secure := tcp, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if u.Scheme == "smtps" {
		conn = tls.Client(tcp, secure)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	err = do(client, "EHLO", answerTimeout, func() error { return client.Hello(s.name(tcp.LocalAddr())) })
	if err == nil && u.Scheme != "smtps" {
		err = do(client, "STARTTLS", answerTimeout, func() error { return client.StartTLS(secure) })
	}
	return client, err
}

// name is what EHLO says: the full name of this server, else of the sender, or the
// address of the connection (RFC 5321, section 4.1.1.1). Servers refuse localhost.
func (s mailServer) name(local net.Addr) string {
	var public string
	if u, err := url.Parse(s.options.PublicURL); err == nil {
		public = u.Hostname()
	}
	from, _ := s.options.sender()
	for _, name := range []string{public, from.Address[strings.LastIndexByte(from.Address, '@')+1:]} {
		name, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
		if _, notIP := netip.ParseAddr(name); err == nil && notIP != nil && strings.Contains(name, ".") {
			return name
		}
	}
	address, _ := netip.ParseAddrPort(local.String())
	ip := address.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// offered returns the mechanisms to log in that a server offers, the best first.
func offered(client *smtp.Client, u *url.URL) (mechanisms []smtp.Auth) {
	user, host := u.User.Username(), hostOf(u)
	password, _ := u.User.Password()
	known := []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"SCRAM-SHA-1", smtp.ScramSHA1Auth(user, password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
		{"PLAIN", smtp.PlainAuth("", user, password, host, false)},
		{"LOGIN", smtp.LoginAuth(user, password, host, false)},
	}
	_, names := client.Extension("AUTH")
	for _, mechanism := range known {
		if old, more := client.Extension("AUTH=" + mechanism.name); old { // from before RFC 2554
			names += " " + mechanism.name + " " + more
		}
	}
	for _, mechanism := range known {
		if strings.Contains(" "+names+" ", " "+mechanism.name+" ") {
			mechanisms = append(mechanisms, mechanism.auth)
		}
	}
	return mechanisms
}

// messageID returns a new id in the domain of the sender. The library's has the name of
// this machine.
func messageID(from string) string {
	return uuid.Must(uuid.NewV7()).String() + from[strings.LastIndexByte(from, '@'):]
}
