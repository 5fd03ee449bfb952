package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"github.com/valyala/fasthttp"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"
)

// hash is the hash of the password in credentials, with the default cost.
const hash = "$2a$12$jLYXAnpmtPri0c4hj.2C7Oeuhs3P3cQgJZbhvdHJWyCoX.vesMkvO"

// closedLoop is loop with an address for each worker, as clients have. It fails if a
// request is refused.
func closedLoop(workers int, d time.Duration, next func(worker int) *fasthttp.Request) (rate float64, err error) {
	var clients atomic.Int64
	client := clientFrom(func() int { return int(clients.Add(1)) })
	defer client.CloseIdleConnections()
	return loop(client, workers, d, func(status int) bool { return status < http.StatusBadRequest }, next)
}

// clientFrom returns a client whose connections come from loopback addresses with these
// numbers. It is fasthttp's, because it runs on the same cores as the server and uses
// little time.
func clientFrom(number func() int) *fasthttp.Client {
	client := fasthttp.Client{MaxIdemponentCallAttempts: 1} // no retries, so that each error counts
	if runtime.GOOS == "linux" {                            // where all of 127.0.0.0/8 is this machine
		client.Dial = func(address string) (net.Conn, error) {
			n := number()
			from := fasthttp.TCPDialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+n>>8), byte(n))}}
			return from.Dial(address)
		}
	}
	return &client
}

// loop sends requests for d and returns the answers per second. Each worker has its own
// connection and sends a request after each answer. At the end all workers disconnect.
func loop(client *fasthttp.Client, workers int, d time.Duration, expected func(status int) bool, next func(worker int) *fasthttp.Request) (rate float64, err error) {
	var answers, last atomic.Int64
	var group errgroup.Group
	start := time.Now()
	for worker := range workers {
		group.Go(func() error {
			var response fasthttp.Response
			for {
				request := next(worker)
				err := client.DoDeadline(request, &response, start.Add(d))
				since := time.Since(start)
				if since >= d {
					return nil
				}
				if err != nil {
					return err
				}
				if status := response.StatusCode(); !expected(status) {
					return fmt.Errorf("%s answered %d: %s", request.URI(), status, response.Body())
				}
				answers.Add(1)
				last.Store(int64(since))
			}
		})
	}
	err = group.Wait()
	return float64(answers.Load()) / time.Duration(last.Load()).Seconds(), err
}

// always sends the same request each time.
func always(workers int, request *fasthttp.Request) func(int) *fasthttp.Request {
	own := make([]fasthttp.Request, workers)
	for i := range own {
		request.CopyTo(&own[i])
	}
	return func(worker int) *fasthttp.Request { return &own[worker] }
}

// openLoop sends perSecond GET requests for d, even if the answers are slow. It
// returns the sorted delays from the scheduled times to the answers. vegeta measures
// only from the time when a request is sent.
func openLoop(url string, header http.Header, perSecond int, d time.Duration) (delays []time.Duration, err error) {
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url, Header: header})
	pace := &exactPacer{ConstantPacer: vegeta.ConstantPacer{Freq: perSecond, Per: time.Second}}
	for result := range vegeta.NewAttacker().Attack(target, pace, d, "") {
		if result.Code != http.StatusOK {
			err = fmt.Errorf("%s answered %d: %s", url, result.Code, result.Error)
		}
		scheduled := pace.began.Add(time.Duration(result.Seq+1) * time.Second / time.Duration(perSecond))
		delays = append(delays, result.End().Sub(scheduled))
	}
	slices.Sort(delays)
	return delays, err
}

// exactPacer waits with nanosleep, because the timers of an idle Go program are up to
// a millisecond late.
type exactPacer struct {
	vegeta.ConstantPacer
	began time.Time
}

// Pace waits itself, and returns a wait of 0.
func (p *exactPacer) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if p.began.IsZero() {
		p.began = time.Now().Add(-elapsed)
	}
	wait, stop := p.ConstantPacer.Pace(elapsed, hits)
	if wait > 0 {
		left := syscall.NsecToTimespec(int64(wait))
		_ = syscall.Nanosleep(&left, nil) // a signal may end it slightly early
	}
	return 0, stop
}

// p99 is the 99th percentile of sorted times, in milliseconds.
func p99(sorted []time.Duration) float64 {
	return sorted[len(sorted)*99/100].Seconds() * 1000
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// quartiles says how far the ratios of many turns are apart.
func quartiles(values []float64) string {
	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf("the median of %d turns, half of them between %.2f and %.2f", len(sorted), sorted[len(sorted)/4], sorted[len(sorted)*3/4])
}

// rawBcrypt returns how many hashes per second all cores compute.
func rawBcrypt(ctx context.Context) (rate float64, err error) {
	const each = 6
	var group errgroup.Group
	start := time.Now()
	for range runtime.NumCPU() {
		group.Go(func() (err error) {
			for range each {
				err = errors.Join(err, ctx.Err(), bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse")))
			}
			return err
		})
	}
	err = group.Wait()
	return float64(each*runtime.NumCPU()) / time.Since(start).Seconds(), err
}

// hashArgument makes this program only hash.
const hashArgument = "hash"

// hashForever hashes on all cores until it is killed, at most for a minute.
func hashForever() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if _, err := rawBcrypt(ctx); err != nil {
			return err
		}
	}
}

// whileHashing runs work while another program hashes on all cores with the priority
// of nice(1). No server can be faster than this while anything hashes.
func whileHashing(ctx context.Context, work func() error) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	other := exec.CommandContext(ctx, "nice", self, hashArgument)
	if err = other.Start(); err == nil {
		err = work()
	}
	cancel()
	_ = other.Wait() // it was killed
	return err
}
