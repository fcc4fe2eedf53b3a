package dialer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// maxAddresses bounds the addresses of one name that are tried.
const maxAddresses = 8

// ErrNotPublic is in the error where Public refuses an address.
var ErrNotPublic = errors.New("not an address of the public Internet")

// A Lookup finds the addresses of a host, as net.Resolver.LookupNetIP does.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// Public returns a dialer that reaches addresses of the public Internet alone.
// A name is looked up here, by lookup or net.DefaultResolver where it is nil, and
// next is given the addresses that were looked at: what a name means a moment
// later, or to a proxy, is of no account.
func Public(next ContextDialer, lookup Lookup) ContextDialer {
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	return public{next, lookup}
}

type public struct {
	next   ContextDialer
	lookup Lookup
}

// DialContext implements ContextDialer. The addresses of a name are tried one
// after the other, and share the time.
func (p public) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := p.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, addr := range addrs {
		conn, err := p.dialOne(ctx, network, net.JoinHostPort(addr.String(), port), len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (p public) dialOne(ctx context.Context, network, address string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return p.next.DialContext(ctx, network, address)
}

// addresses returns the public ones of a host.
func (p public) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	all := make([]netip.Addr, 1)
	var err error
	if all[0], err = netip.ParseAddr(host); err != nil {
		if all, err = p.lookup(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	var good []netip.Addr
	for _, addr := range all {
		if IsPublic(addr) && len(good) < maxAddresses {
			good = append(good, addr.Unmap())
		}
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s has no address", host)
	case len(good) == 0:
		return nil, fmt.Errorf("%s (%s) is refused: %w", host, all[0], ErrNotPublic)
	}
	return good, nil
}

// special are the networks that are not of the public Internet beside those that
// net/netip knows (RFC 6890 and IANA's registries of special addresses).
var special = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // of carriers
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), // reserved, and broadcast
	netip.MustParsePrefix("::/96"),       // IPv4-compatible
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"), // site-local, RFC 3879
}

// The networks whose addresses carry an IPv4 address.
var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixTo4 = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// IsPublic reports whether an address is one of the public Internet: not of this
// host, of a link or a private network, no group, and none that carries such an
// IPv4 address inside.
func IsPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(addr) {
			return false
		}
	}
	if !addr.Is6() {
		return true
	}
	octets := addr.As16()
	switch {
	case nat64.Contains(addr):
		return IsPublic(netip.AddrFrom4([4]byte(octets[12:])))
	case sixTo4.Contains(addr):
		return IsPublic(netip.AddrFrom4([4]byte(octets[2:6])))
	}
	return true
}
