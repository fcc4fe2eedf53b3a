package dialer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/proxy"
)

// Wire values of SOCKS4.
const (
	socks4Version   = 4
	socks4Connect   = 1
	socks4ReplySize = 8

	socks4Granted   = 0x5a
	socks4Rejected  = 0x5b
	socks4NoIdentd  = 0x5c
	socks4BadUserID = 0x5d
)

// maxSOCKS4Field bounds the user id and the host name in a request, in bytes.
// The memos name no limit; DNS names have 255 bytes at most, and servers read
// the user id into buffers of about that size.
const maxSOCKS4Field = 255

// errSOCKS4Refused is a proxy that ends the connection in place of a reply,
// which `ssh -D` does where the target refuses.
var errSOCKS4Refused = errors.New("the proxy closed the connection without a reply: the target refused, or the proxy did")

// socks4 is a dialer through a SOCKS4 or SOCKS4a proxy.
type socks4 struct {
	proxy    string // host:port
	userID   string
	remote   bool // SOCKS4a: the proxy looks the name up
	forward  ContextDialer
	resolver *net.Resolver
}

// newSOCKS4 has the shape that proxy.RegisterDialerType asks for.
func newSOCKS4(u *url.URL, forward proxy.Dialer) (proxy.Dialer, error) {
	d := &socks4{
		proxy:    withPort(u, SOCKSPort).Host,
		userID:   u.User.Username(),
		remote:   u.Scheme == "socks4a",
		resolver: net.DefaultResolver,
	}
	var ok bool
	if d.forward, ok = forward.(ContextDialer); !ok {
		return nil, errors.New("the forwarding dialer takes no context")
	}
	if _, hasPassword := u.User.Password(); hasPassword {
		return nil, errors.New("SOCKS4 knows a user id and no password")
	}
	if err := checkSOCKS4Field("user id", d.userID); err != nil {
		return nil, err
	}
	return plain{d}, nil
}

// checkSOCKS4Field refuses what the NUL-terminated fields cannot carry.
func checkSOCKS4Field(what, value string) error {
	switch {
	case len(value) > maxSOCKS4Field:
		return fmt.Errorf("SOCKS4 %s is longer than %d bytes", what, maxSOCKS4Field)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("SOCKS4 %s holds a NUL byte", what)
	}
	return nil
}

// DialContext connects to address, host:port, through the proxy. Networks other
// than tcp and tcp4 and targets that have only IPv6 addresses are errors: the
// protocol has no field for them.
func (d *socks4) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, fmt.Errorf("SOCKS4 cannot carry network %q", network)
	}
	request, err := d.request(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, err := d.forward.DialContext(ctx, "tcp", d.proxy)
	if err != nil {
		return nil, err
	}
	return greet(ctx, conn, func(conn net.Conn) error {
		if _, err := conn.Write(request); err != nil {
			return fmt.Errorf("connect %s: %w", address, err)
		}
		if err := readSOCKS4Reply(conn); err != nil {
			return fmt.Errorf("connect %s: %w", address, err)
		}
		return nil
	})
}

// request encodes the CONNECT request: version, command, port, address, user id,
// and for SOCKS4a the host name behind the impossible address 0.0.0.1.
func (d *socks4) request(ctx context.Context, address string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("port %q of %s is not a number from 1 to 65535", portText, address)
	}
	ip, name, err := d.target(ctx, host)
	if err != nil {
		return nil, err
	}
	request := []byte{socks4Version, socks4Connect}
	request = binary.BigEndian.AppendUint16(request, uint16(port))
	request = append(request, ip[:]...)
	request = append(request, d.userID...)
	request = append(request, 0)
	if name != "" {
		request = append(request, name...)
		request = append(request, 0)
	}
	return request, nil
}

// target returns the IPv4 address for the request, and for SOCKS4a the name.
func (d *socks4) target(ctx context.Context, host string) (ip [4]byte, name string, err error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr = addr.Unmap(); !addr.Is4() {
			return ip, "", fmt.Errorf("SOCKS4 cannot carry the IPv6 address %s: use socks5", host)
		}
		return addr.As4(), "", nil
	}
	if d.remote {
		if host == "" {
			return ip, "", errors.New("the target names no host")
		}
		if err := checkSOCKS4Field("host name", host); err != nil {
			return ip, "", err
		}
		return [4]byte{0, 0, 0, 1}, host, nil
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return ip, "", err
	}
	if len(addrs) == 0 {
		return ip, "", fmt.Errorf("%s has no IPv4 address, and SOCKS4 carries no other", host)
	}
	return addrs[0].Unmap().As4(), "", nil
}

// readSOCKS4Reply reads exactly one reply and returns nil where the proxy
// granted the request. Bytes 2 to 7, the port and address that the proxy bound,
// mean nothing for CONNECT; servers fill them with anything.
func readSOCKS4Reply(r io.Reader) error {
	var reply [socks4ReplySize]byte
	n, err := io.ReadFull(r, reply[:])
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return errSOCKS4Refused
	case err != nil:
		return fmt.Errorf("reading the proxy's reply, %d of %d bytes: %w", n, socks4ReplySize, err)
	case reply[0] != 0:
		return fmt.Errorf("the proxy's reply begins with 0x%02x where SOCKS4 has 0x00", reply[0])
	}
	switch reply[1] {
	case socks4Granted:
		return nil
	case socks4Rejected:
		return errors.New("the proxy rejected the request, or could not reach the target (0x5b)")
	case socks4NoIdentd:
		return errors.New("the proxy rejected the request because it cannot reach identd on this machine (0x5c)")
	case socks4BadUserID:
		return errors.New("the proxy rejected the request because identd reports another user id (0x5d)")
	default:
		return fmt.Errorf("the proxy answered with the unknown code 0x%02x", reply[1])
	}
}
