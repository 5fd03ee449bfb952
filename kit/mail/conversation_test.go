package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/latchkey/kit/settings"
)

// conversation is a mail server of a test, which says what it is told to. The keys of
// answers and delays are how a line begins; "" is the greeting, "." the end of a mail.
type conversation struct {
	answers map[string]string
	delays  map[string]time.Duration

	heard  []string
	copies int // mails that were ended and not refused
	open   sync.WaitGroup
}

// localConn is a connection from an address.
type localConn struct {
	net.Conn
	local net.Addr
}

func (c localConn) LocalAddr() net.Addr { return c.local }

func (c *conversation) dial(_ context.Context, _, address string) (net.Conn, error) {
	c.heard = append(c.heard, "dial "+address)
	ours, theirs := net.Pipe()
	c.open.Go(func() {
		defer theirs.Close()
		c.talk(tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{trusted}, MinVersion: tls.VersionTLS12}))
	})
	return localConn{ours, &net.TCPAddr{IP: net.IPv6loopback, Port: 50000}}, nil
}

func (c *conversation) talk(conn net.Conn) {
	usual := map[string]string{"": "220 hello", "EHLO": "250-hello\r\n250 AUTH PLAIN", "AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye"}
	lines := bufio.NewScanner(conn)
	for line, inMail := "", false; ; line = lines.Text() {
		if !inMail || line == "." {
			answer := find(c.answers, line, find(usual, line, "250 fine"))
			time.Sleep(find(c.delays, line, 0))
			if _, err := conn.Write([]byte(answer + "\r\n")); err != nil {
				return
			}
			if inMail && strings.HasPrefix(answer, "250") {
				c.copies++
			}
			inMail = strings.HasPrefix(answer, "354")
		}
		if !lines.Scan() {
			return
		}
		if !inMail {
			c.heard = append(c.heard, lines.Text())
		}
	}
}

// find returns the value of the longest key with which a line begins.
func find[V any](in map[string]V, line string, otherwise V) V {
	for end := len(line); end > 0; end-- {
		if value, ok := in[line[:end]]; ok {
			return value
		}
	}
	if value, ok := in[line]; ok {
		return value
	}
	return otherwise
}

// said returns what the server has heard that begins like this, without that.
func (c *conversation) said(beginning string) (rest []string) {
	for _, line := range c.heard {
		if text, ok := strings.CutPrefix(line, beginning); ok {
			rest = append(rest, text)
		}
	}
	return rest
}

// converse sends a mail to an address with a fake clock. It returns how long that took.
func converse(t *testing.T, c *conversation, to string, change ...func(*Options)) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options := Options{Texts: texts}
		options.URL, options.From = "smtps://ada:p%40ss%20word@localhost", "post@example.com"
		for _, change := range change {
			change(&options)
		}
		from := New(options)
		from.deliver = mailServer{options, c.dial}.send
		start := time.Now()
		err = from.Send(t.Context(), message(to))
		took = time.Since(start)
		c.open.Wait()
	})
	return took, err
}

func TestASlowServerGetsOneCopy(t *testing.T) {
	for claim, delays := range map[string]map[string]time.Duration{
		"it takes 20 seconds for a mail":       {".": 20 * time.Second},
		"it takes 9 minutes for a mail":        {".": 9 * time.Minute},
		"it takes 4 minutes for every command": {"EHLO": 4 * time.Minute, "AUTH": 4 * time.Minute, "MAIL": 4 * time.Minute, "RCPT": 4 * time.Minute, "DATA": 4 * time.Minute, ".": 4 * time.Minute},
		"it does not answer QUIT":              {"QUIT": time.Hour},
	} {
		t.Run(claim, func(t *testing.T) {
			c := &conversation{delays: delays}
			if _, err := converse(t, c, "bob@example.com"); err != nil || c.copies != 1 {
				t.Errorf("%d copies, %v", c.copies, err)
			}
		})
	}
}

func TestASilentServerIsGivenUp(t *testing.T) {
	for line, want := range map[string]time.Duration{"": connectTimeout, "EHLO": answerTimeout, "AUTH": answerTimeout, "MAIL": answerTimeout, "RCPT": answerTimeout, "DATA": answerTimeout, ".": endTimeout} {
		c := &conversation{delays: map[string]time.Duration{line: time.Hour}}
		if took, err := converse(t, c, "bob@example.com"); err == nil || errors.Is(err, ErrPermanent) || took < want || took > want+time.Second {
			t.Errorf("after %q: %v, after %v", line, err, took)
		}
	}
}

func TestAMailEndsWithItsJob(t *testing.T) {
	c := &conversation{delays: map[string]time.Duration{".": time.Hour}}
	synctest.Test(t, func(t *testing.T) {
		from := sender(t, "smtps://localhost")
		from.deliver = mailServer{from.options, c.dial}.send
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := from.Send(ctx, message("bob@example.com")); err == nil || time.Since(start) > 2*time.Second {
			t.Error(err, time.Since(start))
		}
		c.open.Wait()
	})
}

func TestWhatAServerRefusesForGood(t *testing.T) {
	for claim, c := range map[string]struct {
		line, answer string
		permanent    bool
	}{
		"an unknown mailbox":                     {"RCPT", "550 5.1.1 <bob@example.com>: unknown", true},
		"an unknown domain":                      {"RCPT", "550 5.1.2 no such domain", true},
		"a disabled mailbox":                     {"RCPT", "550 5.2.1 disabled", true},
		"a full mailbox, after the mail":         {".", "552 5.2.2 over quota", true},
		"an unknown mailbox, after the mail":     {".", "550-5.1.1 unknown\r\n550 5.1.1 see example.com/5.7.1", true},
		"a mail that is too big":                 {".", "552 5.3.4 too big", true},
		"content that it does not take":          {".", "554 5.6.0 malformed", true},
		"an unknown mailbox, by the basic code":  {"RCPT", "550 no such user", true},
		"not a relay that is denied":             {"RCPT", "554 5.7.1 <bob@example.com>: Relay access denied", false},
		"not a missing login":                    {"RCPT", "530 5.7.0 Authentication required", false},
		"not a missing login, by the basic code": {"RCPT", "530 Authentication required", false},
		"not the name that EHLO says":            {"RCPT", "504 5.5.2 <web>: Helo command rejected: need fully-qualified hostname", false},
		"not a sender, when the recipient comes": {"RCPT", "550 5.1.8 <post@example.com>: Sender address rejected", false},
		"not a sender":                           {"MAIL", "553 5.1.7 <post@example.com>: rejected", false},
		"not for DATA":                           {"DATA", "554 5.5.1 no valid recipients", false},
		"not what its policy refuses":            {".", "550 5.7.26 not authenticated", false},
		"not by its own faults":                  {"RCPT", "550 5.3.5 incorrectly configured", false},
		"not for now":                            {"RCPT", "450 4.2.1 greylisted", false},
		"not for now, by the enhanced code":      {"RCPT", "550 4.7.1 greylisted", false},
		"not a login":                            {"AUTH", "535 5.7.8 bad credentials", false},
		"not a connection":                       {"", "554 5.7.1 go away", false},
	} {
		t.Run(claim, func(t *testing.T) {
			server := &conversation{answers: map[string]string{c.line: c.answer}}
			_, err := converse(t, server, "bob@example.com")
			if err == nil || errors.Is(err, ErrPermanent) != c.permanent || server.copies > 0 {
				t.Errorf("%v, %d copies", err, server.copies)
			}
		})
	}
}

func TestEHLOSaysAFullNameOrAnAddress(t *testing.T) {
	for _, c := range []struct{ public, from, want string }{
		{"https://api.example.com/v1", "post@example.org", "api.example.com"},
		{"https://bücher.example:8443", "post@example.org", "xn--bcher-kva.example"},
		{"https://api.example.com.", "post@example.org", "api.example.com"},
		{"", "post@example.org", "example.org"},
		{"http://web", "post@example.org", "example.org"},
		{"http://my_web.example", "post@example.org", "example.org"},
		{"http://192.0.2.7", "post@example.org", "example.org"},
		{"http://[2001:db8::1]", "post@localhost", "[IPv6:::1]"},
		{"http://localhost:8080", "post@web", "[IPv6:::1]"},
	} {
		server := &conversation{}
		_, err := converse(t, server, "bob@example.com", func(s *Options) { s.PublicURL, s.From = c.public, c.from })
		if got := server.said("EHLO "); err != nil || !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q, %q: %q, %v", c.public, c.from, got, err)
		}
	}
	if got := (mailServer{}).name(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}); got != "[192.0.2.7]" {
		t.Error(got)
	}
}

func TestAMailServerIsFoundByItsURL(t *testing.T) {
	for url, want := range map[settings.Secret]string{
		"smtps://[::1]:2525":         "[::1]:2525",
		"smtps://[::1]":              "[::1]:465",
		"smtp://192.0.2.7":           "192.0.2.7:587",
		"smtps://mail.bücher.exmple": "mail.xn--bcher-kva.exmple:465",
	} {
		server := &conversation{}
		_, err := converse(t, server, "bob@example.com", func(s *Options) { s.URL = url })
		if got := server.said("dial "); err == nil || !slices.Equal(got, []string{want}) { // the certificate is for localhost
			t.Errorf("%s: %q, %v", url, got, err)
		}
	}
}

func TestEachWayToLogInIsTried(t *testing.T) {
	login := map[string]string{"AUTH LOGIN": "334 VXNlcm5hbWU6", "YWRh": "334 UGFzc3dvcmQ6", "cEBzcyB3b3Jk": "235 welcome"}
	for claim, c := range map[string]struct{ offer, plain string }{
		"PLAIN and then LOGIN":      {"AUTH PLAIN LOGIN", "504 5.5.4 unrecognized"},
		"LOGIN for a password":      {"AUTH LOGIN PLAIN", "535 5.7.8 refused"},
		"LOGIN alone":               {"AUTH LOGIN", ""},
		"LOGIN in the old syntax":   {"AUTH=LOGIN", ""},
		"the second in that syntax": {"AUTH=PLAIN LOGIN", "504 5.5.4 unrecognized"},
		"PLAIN in the old syntax":   {"AUTH=PLAIN", "235 welcome"},
	} {
		t.Run(claim, func(t *testing.T) {
			server := &conversation{answers: map[string]string{"EHLO": "250-hello\r\n250-" + c.offer + "\r\n250 8BITMIME", "AUTH PLAIN": c.plain}}
			for line, answer := range login {
				server.answers[line] = answer
			}
			if _, err := converse(t, server, "bob@example.com"); err != nil || server.copies != 1 {
				t.Errorf("%v after %q", err, server.heard)
			}
		})
	}
	server := &conversation{answers: map[string]string{"EHLO": "250-hello\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 5.7.8 refused"}}
	if _, err := converse(t, server, "bob@example.com"); err == nil || strings.Count(err.Error(), "refused") != 2 || len(server.said("AUTH ")) != 2 {
		t.Errorf("%v after %q", err, server.heard)
	}
	server = &conversation{answers: map[string]string{"EHLO": "250-hello\r\n250 AUTH GSSAPI"}}
	if _, err := converse(t, server, "bob@example.com"); err == nil || !strings.Contains(err.Error(), "no way to log in") {
		t.Error(err)
	}
}

func TestAnAddressThatIsNotASCIINeedsAServerThatTakesIt(t *testing.T) {
	const offers = "250-hello\r\n250-SMTPUTF8\r\n250 AUTH PLAIN"
	for claim, c := range map[string]struct {
		offer, from, to, mail string
		permanent             bool
	}{
		"it does":                       {offers, "post@example.com", "bücher@example.com", "FROM:<post@example.com> SMTPUTF8", false},
		"the sender too":                {offers, "pöst@example.com", "bob@example.com", "FROM:<pöst@example.com> SMTPUTF8", false},
		"others are not marked":         {offers, "post@example.com", "bob@bücher.example", "FROM:<post@example.com>", false},
		"it does not":                   {"250 AUTH PLAIN", "post@example.com", "bücher@example.com", "", true},
		"the sender waits for settings": {"250 AUTH PLAIN", "pöst@example.com", "bob@example.com", "", false},
	} {
		t.Run(claim, func(t *testing.T) {
			server := &conversation{answers: map[string]string{"EHLO": "250-hello\r\n" + c.offer}}
			_, err := converse(t, server, c.to, func(s *Options) { s.From = c.from })
			if got := strings.Join(server.said("MAIL "), "|"); got != c.mail || (err == nil) != (c.mail != "") || errors.Is(err, ErrPermanent) != c.permanent {
				t.Errorf("%q, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), "takes only addresses in ASCII") {
				t.Error(err)
			}
		})
	}
}
