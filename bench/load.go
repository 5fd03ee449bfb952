package main

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"github.com/valyala/fasthttp"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"
)

// closedLoop keeps workers busy with a request for d, each on a connection of
// its own, and gives the answers per second. The client is fasthttp's, built to
// cost little: it runs on the servers' own cores, where its cost would bring any
// two of them closer together.
func closedLoop(request *fasthttp.Request, workers int, d time.Duration) (rate float64, err error) {
	client := fasthttp.Client{MaxIdemponentCallAttempts: 1} // an error is one, however well a retry goes
	defer client.CloseIdleConnections()
	var answers, last atomic.Int64
	var group errgroup.Group
	start := time.Now()
	for range workers {
		group.Go(func() error {
			var own fasthttp.Request
			request.CopyTo(&own)
			var response fasthttp.Response
			for time.Since(start) < d {
				if err := client.Do(&own, &response); err != nil {
					return err
				}
				if status := response.StatusCode(); status != fasthttp.StatusOK {
					return fmt.Errorf("%s answered %d: %s", own.URI(), status, response.Body())
				}
				// The last answers come after d, without all workers at work.
				if since := time.Since(start); since < d {
					answers.Add(1)
					last.Store(int64(since))
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return float64(answers.Load()) / time.Duration(last.Load()).Seconds(), err
}

// openLoop sends perSecond GET requests for d, however slow the answers, and
// gives the 99th percentile of how long after its scheduled time each was
// answered. vegeta's own latency begins only when the request leaves.
func openLoop(url string, header http.Header, perSecond int, d time.Duration) (p99 time.Duration, err error) {
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url, Header: header})
	pace := vegeta.ConstantPacer{Freq: perSecond, Per: time.Second}
	var late []time.Duration
	start := time.Now()
	for result := range vegeta.NewAttacker().Attack(target, pace, d, "") {
		if result.Code != http.StatusOK {
			err = fmt.Errorf("%s answered %d: %s", url, result.Code, result.Error)
		}
		scheduled := start.Add(time.Duration(result.Seq+1) * time.Second / time.Duration(perSecond))
		late = append(late, result.End().Sub(scheduled))
	}
	slices.Sort(late)
	return late[len(late)*99/100], err
}

// rawBcrypt gives how many hashes per second all cores make.
func rawBcrypt() (rate float64, err error) {
	const cost, each = 12, 12 // the cost is password.bcrypt_cost's default
	password := []byte("correct horse")
	hash, err := bcrypt.GenerateFromPassword(password, cost)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	start := time.Now()
	for range runtime.NumCPU() {
		group.Go(func() (err error) {
			for range each {
				err = errors.Join(err, bcrypt.CompareHashAndPassword(hash, password))
			}
			return err
		})
	}
	err = group.Wait()
	return float64(each*runtime.NumCPU()) / time.Since(start).Seconds(), err
}
