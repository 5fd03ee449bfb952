package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

const (
	inFlight = 64  // clients that log in or register at the same time
	pace     = 200 // requests per second during the logins

	// hash is the hash of the password in credentials, with the default cost.
	hash = "$2a$12$jLYXAnpmtPri0c4hj.2C7Oeuhs3P3cQgJZbhvdHJWyCoX.vesMkvO"
)

// hashFor hashes on all cores for d, and returns the hashes per second.
func hashFor(d time.Duration) (rate float64) {
	rates := make(chan float64)
	for range runtime.NumCPU() {
		go func() {
			start, hashes := time.Now(), 0.0
			for ; time.Since(start) < d; hashes++ {
				_ = bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse"))
			}
			rates <- hashes / time.Since(start).Seconds()
		}()
	}
	for range runtime.NumCPU() {
		rate += <-rates
	}
	return rate
}

// rawBcrypt is a take of the hashes per second, and of the time of one.
func (b *bench) rawBcrypt(name string) take {
	return func(d time.Duration) error {
		rate := hashFor(d)
		b.add(name, rate)
		b.add("time of a "+name, 1000*float64(runtime.NumCPU())/rate)
		return nil
	}
}

// besideHashing is the floor: a take while another program hashes on all cores with the
// priority of nice(1). No server can be faster than this while anything hashes.
func (b *bench) besideHashing(t take) take {
	return func(d time.Duration) error {
		other := exec.CommandContext(b.ctx, "nice", os.Args[0], "-hash")
		check(other.Start())
		err := t(d)
		_ = other.Process.Kill()
		_ = other.Wait() // it was killed
		return err
	}
}

// hangUp sends a load whose clients hang up at the end. Then it logs in twice: after the
// hashes for disconnected clients, and alone. The first login is slow if those hashes
// are still waiting.
func (b *bench) hangUp(name string, l *load) take {
	l.patience = 0
	one := l.server.load(1, "/login", credentials)
	return func(d time.Duration) error {
		return errors.Join(b.send(name, l)(d), b.send("login after 64 hung up", one)(0), b.send("login alone", one)(0))
	}
}

func hashing(b *bench) {
	var registered atomic.Int64
	registrations := b.api.load(inFlight, "/register", "{}")
	registrations.change = func(client int) {
		registrations.requests[client].SetBodyString(fmt.Sprintf(`{"email":"%d@example.com","password":"correct horse"}`, registered.Add(1)))
	}
	b.turns(3, 8*time.Second, b.hangUp("POST /login", b.api.load(inFlight, "/login", credentials)), b.rawBcrypt("raw bcrypt"), b.hangUp("POST /register", registrations))
}

// streams is a take of paced requests for several paths at once.
func (b *bench) streams(s *server, when string, paths ...string) take {
	var takes []take
	for _, path := range paths {
		takes = append(takes, b.send("GET "+path+" "+when, s.paced(pace, path)))
	}
	return together(takes...)
}

// amongLogins measures other requests while many clients log in, on Latchkey and on bare
// Gin, which hashes all logins at once.
func amongLogins(b *bench) {
	paths, bare, bareLogins := []string{"/protected", "/healthz", "/readyz"}, b.bare.paced(pace, "/"), b.bare.load(inFlight, "/login", credentials)
	bareLogins.patience = 0
	b.turns(
		5, 3*time.Second,
		b.streams(b.api, "alone", paths...),
		b.send("bare Gin alone", bare),
		b.besideHashing(b.streams(b.api, "beside hashing", paths...)),
		together(b.streams(b.api, "among logins", paths...), b.hangUp("POST /login meanwhile", b.api.load(inFlight, "/login", credentials))),
		together(b.send("bare Gin among logins", bare), b.send("logins of bare Gin", bareLogins)),
		b.bare.restarted("bare Gin again"), // it still hashes for clients that have disconnected
	)
	b.add("memory after logins", b.api.memory())
	b.draw("../docs/bench.svg")
}

// draw writes a chart to a file: the delay below which x percent of the answers are.
func (b *bench) draw(file string) {
	chart := plot.New()
	chart.Title.Text = "200 requests a second, alone and while 64 clients log in"
	chart.X.Label.Text = "answered in time, % of requests"
	chart.Y.Label.Text = "ms after the scheduled time"
	chart.Y.Scale, chart.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	chart.Legend.Top, chart.Legend.Left = true, true
	chart.Add(plotter.NewGrid())
	for i, name := range []string{"bare Gin among logins", "GET /protected among logins", "GET /protected beside hashing", "GET /protected alone", "bare Gin alone"} {
		var points plotter.XYs
		for percent := 1.0; percent < 100; percent++ {
			points = append(points, plotter.XY{X: percent, Y: max(0.01, quantile(b.figures["delays of "+name], percent/100))})
		}
		line := must(plotter.NewLine(points))
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		chart.Add(line)
		chart.Legend.Add(name, line)
	}
	check(chart.Save(8*vg.Inch, 4*vg.Inch, file))
}

// crowd measures the logins from one address while another one has 200 in flight.
func crowd(b *bench) {
	many, other := b.api.load(200, "/login", credentials), b.api.load(1, "/login", credentials)
	many.address, other.address = 1, 2
	b.turns(3, 4*time.Second, b.rawBcrypt("hash without them"), together(b.hangUp("POST /login from one address", many), b.send("login beside 200 of one address", other)))
}

// refusals measures on a server that hashes fast what a login does beside its hash (the
// throttle, the session, the event and the answer), and other requests while many logins
// are refused.
func refusals(b *bench) {
	fast := b.launch(os.Stderr, "APP_PASSWORD_BCRYPT_COST=4", "APP_LOGIN_MAX_FAILURES=10")
	b.turns(5, time.Second, b.rawBcrypt("slow hash"), b.send("login with a quick hash", fast.load(1, "/login", credentials)))
	wrong, protected := fast.load(16, "/login", wrongCredentials), fast.paced(pace, "/protected")
	wrong.status, wrong.address = http.StatusTooManyRequests, 1
	for range 20 {
		_ = wrong.send(wrong.client(), 0, time.Now()) // until the throttle refuses it
	}
	paced := *wrong
	paced.perSecond = 2000
	b.turns(1, 2*time.Second, b.send("refused POST /login", wrong))
	b.turns(
		5, 2*time.Second,
		b.send("GET /protected without them", protected),
		together(b.send("GET /protected among 2,000 of them a second", protected), b.send("paced POST /login", &paced)),
	)
}
