package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	credentials      = `{"email":"ada@example.com","password":"correct horse"}`
	wrongCredentials = `{"email":"ada@example.com","password":"wrong horse"}`
	note             = `{"title":"Milk","body":"Two pints of it, and a loaf of bread."}`
	mib              = 1 << 20
)

// server is a running child process, and the token of its user.
type server struct {
	bench                           *bench
	program, folder, address, token string
	environ                         []string
	log                             *os.File
	command                         *exec.Cmd
	cancel                          context.CancelFunc
}

// launch starts Latchkey with its own database, registers a user and logs in.
func (b *bench) launch(log *os.File, environ ...string) *server {
	s := b.start("latchkey", must(os.MkdirTemp(b.folder, "")), log, append([]string{
		"APP_LOG_LEVEL=error",
		fmt.Sprint("APP_SERVER_MAX_CONNECTIONS=", connectionCount+500),
		"APP_JWT_MAX_SESSIONS=1000000",   // all logins are of one user
		"APP_LOGIN_MAX_FAILURES=1000000", // all registrations are from one address
		"APP_PASSWORD_MAX_WAIT=10m",      // the last of 200 logins waits longer than the default allows
	}, environ...)...)
	must(s.do("/register", credentials))
	s.token = s.ask("/login", credentials, "access_token")
	return s
}

// start starts a program in a folder with only these variables, until the end of the step.
func (b *bench) start(program, folder string, log *os.File, environ ...string) *server {
	listener := must(net.Listen("tcp", "127.0.0.1:0")) // finds an unused address
	check(listener.Close())
	s := &server{bench: b, program: filepath.Join(b.folder, program), folder: folder, log: log, address: listener.Addr().String()}
	s.environ = append([]string{"APP_SERVER_ADDRESS=" + s.address}, environ...)
	b.ends = append(b.ends, s.stop)
	s.start()
	return s
}

// start starts the process, and returns when it answers.
func (s *server) start() {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.bench.ctx)
	s.command = exec.CommandContext(ctx, s.program)
	s.command.Dir, s.command.Env, s.command.Stderr = s.folder, s.environ, s.log
	s.command.Cancel = func() error { return s.command.Process.Signal(os.Interrupt) }
	s.command.WaitDelay = 5 * time.Second
	check(s.command.Start())
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, _, err := fasthttp.Get(nil, "http://"+s.address); err == nil {
			return
		} else if time.Now().After(deadline) {
			panic(s.program + " does not answer")
		}
	}
}

// stop interrupts the process, and kills it later.
func (s *server) stop() error {
	s.cancel()
	return s.command.Wait()
}

// restarted is a take of how long a new start lasts.
func (s *server) restarted(name string) take {
	return func(time.Duration) error {
		_ = s.stop() // the bare server does not handle the signal
		started := time.Now()
		s.start()
		s.bench.add(name, milliseconds(time.Since(started)))
		return nil
	}
}

// request makes a request of the user. With a body it is a POST.
func (s *server) request(path, body string) *fasthttp.Request {
	request := new(fasthttp.Request)
	request.SetRequestURI("http://" + s.address + path)
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.SetMethod(http.MethodPost)
		request.Header.SetContentType("application/json")
		request.SetBodyString(body)
	}
	return request
}

// do sends one request.
func (s *server) do(path, body string) (*fasthttp.Response, error) {
	l := s.load(1, path, body)
	return l.answers[0], l.send(new(fasthttp.Client), 0, time.Now())
}

// ask sends one request, and returns a field of the answer.
func (s *server) ask(path, body, field string) string {
	var fields map[string]any
	check(json.Unmarshal(must(s.do(path, body)).Body(), &fields))
	return fmt.Sprint(fields[field])
}

// addNotes adds more notes than a page has, unless a fork has removed them.
func (s *server) addNotes() {
	for range 25 {
		_, _ = s.do("/notes", note)
	}
}

// size is that of the program, in MiB.
func (s *server) size() float64 { return float64(must(os.Stat(s.program)).Size()) / mib }

// memory is what the process uses, in MiB.
func (s *server) memory() float64 {
	var size, resident int // in pages
	must(fmt.Sscan(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.command.Process.Pid)))), &size, &resident))
	return float64(resident*os.Getpagesize()) / mib
}

// processorTime is how long the process has run on any core, in milliseconds. The number
// of its clock is that of clock_getcpuclockid(3).
func (s *server) processorTime() float64 {
	var time unix.Timespec
	check(unix.ClockGettime(int32(^s.command.Process.Pid<<3|2), &time))
	return float64(time.Nano()) / 1e6
}

// load is what some clients send to a server.
type load struct {
	server    *server
	requests  []*fasthttp.Request  // of each client
	answers   []*fasthttp.Response // the last one of each client
	change    func(client int)     // the request of a client, before it is sent
	perSecond int                  // of all clients together; 0 if each sends again after each answer
	status    int                  // of each answer; 0 if it is any that does not refuse the request
	address   int                  // the last number of the address of all clients; 0 if each has its own
	patience  time.Duration        // for the last answers, after the end; if it is 0, the clients hang up
}

// load returns the load of clients that send the same request again and again.
func (s *server) load(clients int, path, body string) *load {
	l := &load{server: s, patience: 10 * time.Second}
	for range clients {
		l.requests, l.answers = append(l.requests, s.request(path, body)), append(l.answers, new(fasthttp.Response))
	}
	return l
}

// paced returns a load of GET requests that are sent on time, even if the answers are
// slow.
func (s *server) paced(perSecond int, path string) *load {
	l := s.load(256, path, "")
	l.perSecond = perSecond
	return l
}

// run sends for d. It returns the answers per second, and the milliseconds from when each
// request was due to its answer. At the end all clients disconnect.
func (l *load) run(d time.Duration) (rate float64, delays []float64, err error) {
	client, start := l.client(), time.Now()
	defer client.CloseIdleConnections()
	each, ends := make([][]float64, len(l.requests)), make([]time.Duration, len(l.requests))
	var group errgroup.Group
	for i := range l.requests {
		group.Go(func() error {
			for n := i; ; n += len(l.requests) {
				due := time.Now()
				if l.perSecond > 0 {
					due = start.Add(time.Duration(n) * time.Second / time.Duration(l.perSecond))
				}
				if n > i && due.Sub(start) >= d {
					return nil
				}
				time.Sleep(time.Until(due))
				err := l.send(client, i, start.Add(d))
				now := time.Now()
				if l.patience == 0 && now.Sub(start) >= d {
					return nil
				}
				if err != nil {
					return err
				}
				each[i], ends[i] = append(each[i], milliseconds(now.Sub(due))), now.Sub(start)
			}
		})
	}
	err = group.Wait()
	delays = slices.Concat(each...)
	return float64(len(delays)) / slices.Max(ends).Seconds(), delays, err
}

// send sends the request of a client.
func (l *load) send(client *fasthttp.Client, i int, end time.Time) error {
	if l.change != nil {
		l.change(i)
	}
	request, answer := l.requests[i], l.answers[i]
	if err := client.DoDeadline(request, answer, end.Add(l.patience)); err != nil {
		return err
	}
	if status := answer.StatusCode(); l.status != 0 && status != l.status || l.status == 0 && status >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %d: %s", request.URI(), status, answer.Body())
	}
	return nil
}

// client is fasthttp's, because it runs on the same cores as the server and uses little
// time. Its connections come from loopback addresses of their own.
func (l *load) client() *fasthttp.Client {
	var connections atomic.Int64
	return &fasthttp.Client{
		MaxIdemponentCallAttempts: 1, // no retries, so that each error counts
		Dial: func(address string) (net.Conn, error) {
			n := cmp.Or(int64(l.address), connections.Add(1))
			from := fasthttp.TCPDialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+n>>8), byte(n))}}
			return from.Dial(address)
		},
	}
}
