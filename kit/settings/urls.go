package settings

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Address adds a fault unless a setting is HOST:PORT.
func (s Section) Address(name, address string) {
	_, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		s.Add(name, "%q is not HOST:PORT, such as 127.0.0.1:8080", address)
	}
}

// Page adds a fault unless a setting is empty or the URL of a page, to which
// ?token= can be added.
func (s Section) Page(name, page string) {
	if page == "" {
		return
	}
	u, err := url.Parse(page)
	if err != nil || u.Hostname() == "" || !HasGoodPort(u) || u.Scheme != "https" && u.Scheme != "http" || strings.Contains(page, "#") || u.User != nil {
		s.Add(name, "%q is not the URL of a page, such as https://app.example.com/reset", page)
	}
}

// NormalizeOrigin returns an origin as a browser sends it (RFC 6454, section 6.2): in
// lower case, with the host in ASCII, and without the default port of its scheme.
func NormalizeOrigin(origin string) (string, error) {
	if strings.Contains(origin, "*") {
		return "", errors.New("patterns are not allowed, list each origin")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || !HasGoodPort(u) || u.Scheme+"://"+strings.ToLower(u.Host) != strings.ToLower(origin) {
		return "", errors.New("write its scheme, host and port, and nothing else")
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil && net.ParseIP(u.Hostname()) == nil {
		return "", errors.New("its host is not a name or an address")
	}
	if strings.Contains(u.Host, "[") {
		host = "[" + u.Hostname() + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + strings.ToLower(host), nil
}

// WithQuery returns an address with more parameters in its query.
func WithQuery(address string, more url.Values) string {
	if strings.Contains(address, "?") {
		return address + "&" + more.Encode()
	}
	return address + "?" + more.Encode()
}

// HasGoodPort reports whether clients can connect to the port of a URL, if it has one.
func HasGoodPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// IsLoopback reports whether a host, which may have a port, is a name or an address by
// which only this machine is reached.
func IsLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// IsPath reports whether a text is a path, and so leads to no other server. A browser reads \
// as / and skips white space, so a text with them is not a path.
func IsPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' })
}
