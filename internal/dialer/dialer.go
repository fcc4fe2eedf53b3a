package dialer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/proxy"
)

// A ContextDialer opens connections. It may be used by several goroutines at
// once. DialContext returns when ctx ends.
type ContextDialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// The ports that a proxy URL without one means.
const (
	SOCKSPort = "1080"
	HTTPPort  = "8080"
)

// New returns a dialer that goes through the proxy, or forward itself where
// proxyURL is nil or empty. The connection to the proxy is made by forward; nil
// is a plain net.Dialer. A scheme other than socks4, socks4a, socks5 and http
// is an error.
func New(proxyURL *url.URL, forward ContextDialer) (ContextDialer, error) {
	if forward == nil {
		forward = &net.Dialer{}
	}
	if proxyURL == nil || *proxyURL == (url.URL{}) {
		return forward, nil
	}
	if proxyURL.Hostname() == "" {
		return nil, fmt.Errorf("proxy %s names no host", Redacted(proxyURL))
	}
	if proxyURL.Path != "" && proxyURL.Path != "/" || proxyURL.RawQuery != "" || proxyURL.Fragment != "" {
		return nil, fmt.Errorf("proxy %s: nothing may follow the port", Redacted(proxyURL))
	}
	switch proxyURL.Scheme {
	case "http":
		return newCONNECT(proxyURL, forward), nil
	case "socks4", "socks4a", "socks5":
		return fromRegistry(proxyURL, forward)
	default:
		return nil, fmt.Errorf("proxy %s: scheme %q is not known: use socks4, socks4a, socks5 or http", Redacted(proxyURL), proxyURL.Scheme)
	}
}

// ParseURL reads a proxy's URL. The empty string is nil: no proxy.
func ParseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		// The error of net/url quotes the text, and so perhaps a password.
		return nil, errors.New("the proxy's URL cannot be read: write SCHEME://[USER[:PASSWORD]@]HOST[:PORT], other signs percent-encoded")
	}
	if _, err := New(u, nil); err != nil {
		return nil, err
	}
	return u, nil
}

// Redacted prints a URL without its password.
func Redacted(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Redacted()
}

// register is done once: golang.org/x/net/proxy keeps one registry for the
// whole process, and offers no other way for its FromURL to learn a scheme.
var register = sync.OnceFunc(func() {
	proxy.RegisterDialerType("socks4", newSOCKS4)
	proxy.RegisterDialerType("socks4a", newSOCKS4)
})

// Register makes golang.org/x/net/proxy know the schemes socks4 and socks4a,
// so that proxy.FromURL takes them. New does it by itself.
func Register() { register() }

// fromRegistry asks golang.org/x/net/proxy for a dialer.
func fromRegistry(proxyURL *url.URL, forward ContextDialer) (ContextDialer, error) {
	Register()
	d, err := proxy.FromURL(withPort(proxyURL, SOCKSPort), plain{forward})
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", Redacted(proxyURL), err)
	}
	withContext, ok := d.(ContextDialer)
	if !ok {
		return nil, fmt.Errorf("proxy %s: its dialer takes no context", Redacted(proxyURL))
	}
	return named{withContext, Redacted(proxyURL)}, nil
}

// named puts the proxy's name into the errors of a dialer.
type named struct {
	dialer ContextDialer
	proxy  string
}

func (n named) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("through proxy %s: %w", n.proxy, err)
	}
	return conn, nil
}

// plain gives a ContextDialer the method without a context that
// golang.org/x/net/proxy demands.
type plain struct{ ContextDialer }

func (p plain) Dial(network, address string) (net.Conn, error) {
	return p.DialContext(context.Background(), network, address)
}

// withPort returns u with a port: its own or the default one.
func withPort(u *url.URL, port string) *url.URL {
	if u.Port() != "" {
		return u
	}
	c := *u
	c.Host = net.JoinHostPort(u.Hostname(), port)
	return &c
}

// greet runs a proxy's greeting on a fresh connection under ctx: the end of ctx
// interrupts it. It returns the connection ready for use, or closes it.
func greet(ctx context.Context, conn net.Conn, greeting func(net.Conn) error) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() {
		// A deadline in the past wakes every read and write.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	err := greeting(conn)
	if !stop() {
		// The deadline has been set, or will be at any moment: the connection
		// is of no use even where the greeting went well.
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
