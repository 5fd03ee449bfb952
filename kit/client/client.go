// Package client has the sender of a request in its context, and says which addresses count
// as one client.
package client

import (
	"cmp"
	"context"
	"net/netip"
)

// Client is the sender of a request, and the id of that request in the log.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// Network returns the network that counts as one client: its IPv4 address, or the /64
// of its IPv6 address, which one client can have as a whole.
func (c Client) Network() string {
	networks := c.Networks()
	return networks[len(networks)-1]
}

// Networks returns Network after the larger one that one client can have: the /24 of an
// IPv4 address, or the /48 of an IPv6 address.
func (c Client) Networks() []string {
	addr, err := netip.ParseAddr(c.IP)
	if err != nil {
		return []string{cmp.Or(c.IP, "unknown")}
	}
	addr = addr.Unmap()
	if addr.Is4() {
		larger, _ := addr.Prefix(24)
		return []string{larger.String(), addr.String()}
	}
	larger, _ := addr.Prefix(48)
	network, _ := addr.Prefix(64)
	return []string{larger.String(), network.String()}
}

type contextKey struct{}

// With returns a context with the client of a request.
func With(ctx context.Context, client Client) context.Context {
	return context.WithValue(ctx, contextKey{}, client)
}

// From returns the client, which is empty outside a request.
func From(ctx context.Context) Client {
	client, _ := ctx.Value(contextKey{}).(Client)
	return client
}
