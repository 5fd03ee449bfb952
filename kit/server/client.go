package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/problem"
)

// maxUserAgent is how much of a User-Agent is stored, in bytes.
const maxUserAgent = 255

// proxies are the networks of the trusted proxies.
type proxies []netip.Prefix

// newProxies reads addresses, and networks such as 10.0.0.0/8.
func newProxies(trusted []string) (networks proxies) {
	for _, text := range trusted {
		if network, err := parseNetwork(text); err == nil { // Check has accepted it
			networks = append(networks, network)
		}
	}
	return networks
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(text)
}

func (p proxies) have(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// network returns the client's network of a connection, or "" for that of a proxy,
// which has many clients.
func (p proxies) network(remote net.Addr) string {
	addr, ok := address(remote.String())
	if ok && p.have(addr) {
		return ""
	}
	return client.Client{IP: addr.String()}.Network()
}

// realIP sets a request's RemoteAddr to the address of the client. For a connection
// from one of the trusted proxies, that is the right-most address of X-Forwarded-For
// that is not a trusted proxy. Gin would also trust X-Real-IP, and cannot read an
// address with a port. Without trusted proxies it logs once that X-Forwarded-For is
// ignored.
func realIP(trusted []string, log *slog.Logger) gin.HandlerFunc {
	known := newProxies(trusted)
	var once sync.Once
	return func(c *gin.Context) {
		if len(known) == 0 && c.GetHeader("X-Forwarded-For") != "" {
			once.Do(func() {
				log.Warn("X-Forwarded-For is ignored, because server.trusted_proxies is empty: if this came from your proxy, all its clients count as one until you add it", "from", clientIP(c.Request))
			})
		}
		addr, ok := address(c.Request.RemoteAddr)
		if !ok || !known.have(addr) {
			return
		}
		path := strings.Split(strings.Join(c.Request.Header.Values("X-Forwarded-For"), ","), ",")
		for _, text := range slices.Backward(path) {
			before, ok := address(strings.TrimSpace(text))
			if !ok || !known.have(addr) {
				break
			}
			addr = before
		}
		c.Request.RemoteAddr = net.JoinHostPort(addr.String(), "0")
	}
}

// address reads an address with or without a port, IPv6 with or without brackets, but
// with both of them.
func address(text string) (netip.Addr, bool) {
	for _, text := range []string{text, text + ":0", "[" + text + "]:0"} {
		if read, err := netip.ParseAddrPort(text); err == nil {
			return read.Addr().Unmap().WithZone(""), true
		}
	}
	return netip.Addr{}, false
}

// withClient puts the client of a request into its context, for client.From, and the realm
// for challenges.
func withClient(realm string) gin.HandlerFunc {
	return func(c *gin.Context) {
		agent := c.Request.UserAgent()
		c.Request = c.Request.WithContext(client.With(problem.WithRealm(c.Request.Context(), realm), client.Client{
			IP:        clientIP(c.Request),
			UserAgent: strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], ""),
			RequestID: c.Writer.Header().Get(problem.RequestIDHeader),
		}))
	}
}

// clientIP is the address in RemoteAddr, which realIP has set.
func clientIP(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}
