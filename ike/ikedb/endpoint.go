package ikedb

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"keyman/ike/isakmp"
)

// An Endpoint is the addresses at one end of a data tunnel: a host, a subnet or
// a range. It is comparable; the zero value is none.
type Endpoint struct {
	typ         isakmp.IDType
	first, last netip.Addr // a host's are equal
	bits        int        // of a subnet
}

// HostEndpoint is one address.
func HostEndpoint(addr netip.Addr) (Endpoint, error) {
	if err := plainAddr(addr); err != nil {
		return Endpoint{}, err
	}
	return Endpoint{typ: byFamily(addr, isakmp.IDIPv4Addr, isakmp.IDIPv6Addr), first: addr, last: addr}, nil
}

// SubnetEndpoint is the addresses of a subnet. Bits beyond the prefix do not
// count.
func SubnetEndpoint(prefix netip.Prefix) (Endpoint, error) {
	if !prefix.IsValid() {
		return Endpoint{}, errors.New("it is no subnet")
	}
	if err := plainAddr(prefix.Addr()); err != nil {
		return Endpoint{}, err
	}
	prefix = prefix.Masked()
	last := prefix.Addr().AsSlice()
	for i := range last {
		if free := (i+1)*8 - prefix.Bits(); free > 0 {
			last[i] |= byte(1<<min(free, 8) - 1)
		}
	}
	end, _ := netip.AddrFromSlice(last)
	return Endpoint{
		typ:   byFamily(end, isakmp.IDIPv4Subnet, isakmp.IDIPv6Subnet),
		first: prefix.Addr(), last: end, bits: prefix.Bits(),
	}, nil
}

// RangeEndpoint is the addresses from first to last, both included.
func RangeEndpoint(first, last netip.Addr) (Endpoint, error) {
	for _, addr := range []netip.Addr{first, last} {
		if err := plainAddr(addr); err != nil {
			return Endpoint{}, err
		}
	}
	switch {
	case first.Is4() != last.Is4():
		return Endpoint{}, fmt.Errorf("%v and %v are of different families", first, last)
	case last.Less(first):
		return Endpoint{}, fmt.Errorf("the range begins at %v, after its end %v", first, last)
	}
	return Endpoint{typ: byFamily(first, isakmp.IDIPv4Range, isakmp.IDIPv6Range), first: first, last: last}, nil
}

// plainAddr refuses what a payload cannot say.
func plainAddr(addr netip.Addr) error {
	switch {
	case !addr.IsValid():
		return errors.New("it is no address")
	case addr.Zone() != "":
		return fmt.Errorf("%v has a zone, which is known to this machine only", addr)
	case addr.Is4In6():
		return fmt.Errorf("%v is an IPv4 address in disguise: write %v", addr, addr.Unmap())
	}
	return nil
}

func byFamily(addr netip.Addr, v4, v6 isakmp.IDType) isakmp.IDType {
	if addr.Is4() {
		return v4
	}
	return v6
}

// ParseEndpoint reads "192.0.2.1", "10.1.0.0/16" or "10.2.0.1-10.2.0.9", and the
// same of IPv6.
func ParseEndpoint(s string) (Endpoint, error) {
	e, err := parseEndpoint(s)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: %w", s, err)
	}
	return e, nil
}

func parseEndpoint(s string) (Endpoint, error) {
	if first, last, ok := strings.Cut(s, "-"); ok {
		from, err := parseEndpointAddr(first)
		if err != nil {
			return Endpoint{}, err
		}
		to, err := parseEndpointAddr(last)
		if err != nil {
			return Endpoint{}, err
		}
		return RangeEndpoint(from, to)
	}
	if strings.Contains(s, "/") {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return Endpoint{}, errors.New("it is no subnet such as 10.1.0.0/16")
		}
		return SubnetEndpoint(prefix)
	}
	addr, err := parseEndpointAddr(s)
	if err != nil {
		return Endpoint{}, err
	}
	return HostEndpoint(addr)
}

func parseEndpointAddr(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is no address, such as 192.0.2.1, 10.1.0.0/16 or 10.2.0.1-10.2.0.9", s)
	}
	return addr, nil
}

// String writes what ParseEndpoint reads; "" for the zero Endpoint.
func (e Endpoint) String() string {
	switch e.typ {
	case 0:
		return ""
	case isakmp.IDIPv4Subnet, isakmp.IDIPv6Subnet:
		return e.Prefix().String()
	case isakmp.IDIPv4Range, isakmp.IDIPv6Range:
		return e.first.String() + "-" + e.last.String()
	}
	return e.first.String()
}

// MarshalText implements encoding.TextMarshaler by String.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Type returns the endpoint's type, as an identification payload has it; zero for
// the zero Endpoint.
func (e Endpoint) Type() isakmp.IDType { return e.typ }

// IsZero reports whether there is no endpoint.
func (e Endpoint) IsZero() bool { return e.typ == 0 }

// First and Last return the addresses at both ends of the endpoint; a host's are
// the same.
func (e Endpoint) First() netip.Addr { return e.first }

// Last returns the endpoint's last address.
func (e Endpoint) Last() netip.Addr { return e.last }

// IsHost reports whether the endpoint is one address by its type.
func (e Endpoint) IsHost() bool { return e.typ == isakmp.IDIPv4Addr || e.typ == isakmp.IDIPv6Addr }

// Prefix returns the subnet of an endpoint that is one, otherwise the zero
// Prefix.
func (e Endpoint) Prefix() netip.Prefix {
	if e.typ != isakmp.IDIPv4Subnet && e.typ != isakmp.IDIPv6Subnet {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(e.first, e.bits)
}

// Same reports whether two endpoints are the same addresses, however written: a
// subnet of one address is a host.
func (e Endpoint) Same(o Endpoint) bool {
	return !e.IsZero() && !o.IsZero() && e.first == o.first && e.last == o.last
}

// Contains reports whether an address is one of the endpoint's.
func (e Endpoint) Contains(addr netip.Addr) bool {
	return !e.IsZero() && addr.Is4() == e.first.Is4() && !addr.Less(e.first) && !e.last.Less(addr)
}

// A Selector says which data a tunnel carries at one end.
type Selector struct {
	Endpoint Endpoint
	// Protocol is an IP protocol's number, 0 for all of them.
	Protocol uint8
	// Port is a port of the protocol, 0 for all of them.
	Port uint16
}

// Payload returns a new identification payload of quick mode (RFC 2407, 4.6.2).
// The Endpoint must not be zero.
func (s Selector) Payload() *isakmp.Identification {
	p := &isakmp.Identification{IDType: s.Endpoint.typ, Protocol: s.Protocol, Port: s.Port}
	p.Data = append(p.Data, s.Endpoint.first.AsSlice()...)
	switch {
	case s.Endpoint.IsHost():
	case s.Endpoint.Prefix().IsValid():
		p.Data = append(p.Data, mask(s.Endpoint.bits, len(p.Data))...)
	default:
		p.Data = append(p.Data, s.Endpoint.last.AsSlice()...)
	}
	return p
}

// mask returns a network mask of so many bits in n bytes.
func mask(ones, n int) []byte {
	m := make([]byte, n)
	for i := range m {
		if left := ones - i*8; left > 0 {
			m[i] = ^byte(0xff >> min(left, 8))
		}
	}
	return m
}

// SelectorFromPayload reads an identification payload of quick mode (RFC 2407,
// 4.6.2.1).
func SelectorFromPayload(p *isakmp.Identification) (Selector, error) {
	s := Selector{Protocol: p.Protocol, Port: p.Port}
	one, two := 4, 8
	switch p.IDType {
	case isakmp.IDIPv6Addr, isakmp.IDIPv6Subnet, isakmp.IDIPv6Range:
		one, two = 16, 32
	}
	var err error
	switch p.IDType {
	case isakmp.IDIPv4Addr, isakmp.IDIPv6Addr:
		if len(p.Data) != one {
			return s, fmt.Errorf("%v of %d bytes, want %d", p.IDType, len(p.Data), one)
		}
		addr, _ := netip.AddrFromSlice(p.Data)
		s.Endpoint, err = HostEndpoint(addr)
	case isakmp.IDIPv4Subnet, isakmp.IDIPv6Subnet, isakmp.IDIPv4Range, isakmp.IDIPv6Range:
		if len(p.Data) != two {
			return s, fmt.Errorf("%v of %d bytes, want %d", p.IDType, len(p.Data), two)
		}
		first, _ := netip.AddrFromSlice(p.Data[:one])
		second, _ := netip.AddrFromSlice(p.Data[one:])
		if p.IDType == isakmp.IDIPv4Range || p.IDType == isakmp.IDIPv6Range {
			s.Endpoint, err = RangeEndpoint(first, second)
			break
		}
		ones, contiguous := maskBits(p.Data[one:])
		if !contiguous {
			return s, fmt.Errorf("%v with the mask %v, whose ones are not together", p.IDType, second)
		}
		s.Endpoint, err = SubnetEndpoint(netip.PrefixFrom(first, ones))
	default:
		return s, fmt.Errorf("%v does not say which data a tunnel carries", p.IDType)
	}
	if err != nil {
		return s, fmt.Errorf("%v: %w", p.IDType, err)
	}
	return s, nil
}

// maskBits counts the ones of a network mask of 4 or 16 bytes, and reports
// whether they all stand before its zeros.
func maskBits(m []byte) (ones int, contiguous bool) {
	for _, b := range m {
		ones += bits.OnesCount8(b)
	}
	full := mask(ones, len(m))
	return ones, string(full) == string(m)
}

// String writes the endpoint, then the protocol and the port where they are
// given, such as "10.1.0.0/16 tcp 23".
func (s Selector) String() string {
	text := s.Endpoint.String()
	if s.Protocol != 0 {
		text += " " + ProtocolWord(s.Protocol)
	}
	if s.Port != 0 {
		text += " " + strconv.Itoa(int(s.Port))
	}
	return text
}

// Same reports whether two selectors are the same data.
func (s Selector) Same(o Selector) bool {
	return s.Endpoint.Same(o.Endpoint) && s.Protocol == o.Protocol && s.Port == o.Port
}
