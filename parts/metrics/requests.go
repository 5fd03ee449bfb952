package metrics

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// countedMethods are the values of the label method. Clients choose methods, so any
// other counts as "other".
var countedMethods = []string{
	http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodPut, http.MethodHead, http.MethodOptions,
}

// countRequests counts requests by method, route and status, with their latency. The route
// is its pattern, or "none" for a path without a route.
func countRequests(registry prometheus.Registerer) gin.HandlerFunc {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "How long requests took, by method, pattern of the route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "code"})
	registry.MustRegister(requests)
	type labels struct {
		method, route string
		status        int
	}
	// WithLabelValues takes four times as long as this map. The labels have few values.
	observers, mu := map[labels]prometheus.Observer{}, sync.RWMutex{}
	observer := func(of labels) prometheus.Observer {
		mu.RLock()
		known := observers[of]
		mu.RUnlock()
		if known != nil {
			return known
		}
		mu.Lock()
		defer mu.Unlock()
		observers[of] = requests.WithLabelValues(of.method, cmp.Or(of.route, "none"), strconv.Itoa(of.status))
		return observers[of]
	}
	return func(c *gin.Context) {
		start := time.Now()
		defer func() { // also if a handler panics to close the connection
			method := c.Request.Method
			if !slices.Contains(countedMethods, method) {
				method = "other"
			}
			observer(labels{method, c.FullPath(), c.Writer.Status()}).Observe(time.Since(start).Seconds())
		}()
		c.Next()
	}
}
