package dialer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// MaxBypass bounds the rules of a Bypass.
const MaxBypass = 256

// A Bypass says which targets are reached directly where a proxy is set. Names
// are compared as they are written and never looked up, so that a proxy stays the
// only one who asks for them. The zero value names none.
type Bypass struct{ rules []bypassRule }

// A bypassRule is one target or group of targets.
type bypassRule struct {
	all    bool
	prefix netip.Prefix // of addresses, where it is valid
	host   string       // in lower case, where there is no prefix
	below  bool         // the hosts below host, and not host itself
	port   string       // "" is every port
}

// ParseBypass reads rules, each with or without a port behind a colon:
//
//   - every target
//     192.0.2.0/24      the addresses of a network, IPv4 or IPv6
//     192.0.2.7         one address; an IPv6 one with a port stands in brackets
//     example.org       the host and all below it
//     .example.org      the hosts below it; *.example.org is the same
func ParseBypass(rules []string) (Bypass, error) {
	if len(rules) > MaxBypass {
		return Bypass{}, fmt.Errorf("%d rules of hosts without a proxy, allowed are %d", len(rules), MaxBypass)
	}
	var b Bypass
	for _, text := range rules {
		rule, err := parseBypassRule(strings.ToLower(strings.TrimSpace(text)))
		if err != nil {
			return Bypass{}, fmt.Errorf("%q: %w: use HOST, .DOMAIN, ADDRESS or NETWORK/BITS, perhaps with :PORT", text, err)
		}
		b.rules = append(b.rules, rule)
	}
	return b, nil
}

func parseBypassRule(text string) (bypassRule, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return bypassRule{prefix: prefix.Masked()}, nil
	}
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addressRule(addr, ""), nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, ""
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bypassRule{}, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addressRule(addr, port), nil
	}
	if host == "*" {
		return bypassRule{all: true, port: port}, nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(host, "*"), ".")
	if name = strings.TrimSuffix(name, "."); name == "" || strings.ContainsAny(name, "*/:[] \t") {
		return bypassRule{}, errors.New("not a host")
	}
	return bypassRule{host: name, below: strings.HasPrefix(host, ".") || strings.HasPrefix(host, "*."), port: port}, nil
}

func addressRule(addr netip.Addr, port string) bypassRule {
	addr = addr.Unmap().WithZone("")
	return bypassRule{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port}
}

// Matches reports whether a target, host:port, is one of those named.
func (b Bypass) Matches(target string) bool {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return false
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	addr, err := netip.ParseAddr(host)
	isAddress := err == nil
	addr = addr.Unmap().WithZone("")
	for _, r := range b.rules {
		switch {
		case r.port != "" && r.port != port:
		case r.all:
			return true
		case r.prefix.IsValid():
			if isAddress && r.prefix.Contains(addr) {
				return true
			}
		case !isAddress && (host == r.host && !r.below || strings.HasSuffix(host, "."+r.host)):
			return true
		}
	}
	return false
}

// Around returns a dialer that reaches the targets named by direct and all others
// by proxied.
func (b Bypass) Around(proxied, direct ContextDialer) ContextDialer {
	if len(b.rules) == 0 {
		return proxied
	}
	return around{b, proxied, direct}
}

type around struct {
	bypass          Bypass
	proxied, direct ContextDialer
}

// DialContext implements ContextDialer.
func (a around) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if a.bypass.Matches(address) {
		return a.direct.DialContext(ctx, network, address)
	}
	return a.proxied.DialContext(ctx, network, address)
}
