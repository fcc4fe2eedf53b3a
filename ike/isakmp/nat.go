package isakmp

import "net/netip"

// NATDiscovery carries the hash of an address and port as its sender sees them
// (RFC 3947, 3.2). The first one is of the receiver's address, the others of
// the sender's.
type NATDiscovery struct {
	Data  []byte // as long as the negotiated hash
	Draft bool   // under the payload type of the drafts before RFC 3947
}

// Type gives PayloadNATD or PayloadNATDDraft.
func (p *NATDiscovery) Type() PayloadType {
	if p.Draft {
		return PayloadNATDDraft
	}
	return PayloadNATD
}

func (p *NATDiscovery) appendBody(b []byte) []byte { return append(b, p.Data...) }

func (p *NATDiscovery) check() error {
	if len(p.Data) == 0 {
		return malformed(p.Type(), "empty")
	}
	return nil
}

// natoaFixed is the length of the ID type and three reserved bytes.
const natoaFixed = 4

// NATOriginalAddress tells an address before it was translated (RFC 3947,
// 5.2).
type NATOriginalAddress struct {
	Address netip.Addr // IPv4, or IPv6 without a zone
	Draft   bool       // under the payload type of the drafts before RFC 3947
}

// Type gives PayloadNATOA or PayloadNATOADraft.
func (p *NATOriginalAddress) Type() PayloadType {
	if p.Draft {
		return PayloadNATOADraft
	}
	return PayloadNATOA
}

func (p *NATOriginalAddress) appendBody(b []byte) []byte {
	t := IDIPv6Addr
	if p.Address.Is4() {
		t = IDIPv4Addr
	}
	b = append(b, byte(t), 0, 0, 0)
	return append(b, p.Address.AsSlice()...)
}

func (p *NATOriginalAddress) check() error {
	if !p.Address.IsValid() || p.Address.Zone() != "" {
		return malformed(p.Type(), "address %q", p.Address)
	}
	return nil
}

func parseNATOriginalAddress(t PayloadType, b []byte) (*NATOriginalAddress, error) {
	if len(b) < natoaFixed {
		return nil, malformed(t, "%d bytes are too few", len(b))
	}
	id, address := IDType(b[0]), b[natoaFixed:]
	switch {
	case b[1] != 0 || b[2] != 0 || b[3] != 0:
		return nil, malformed(t, "reserved bytes are not 0")
	case id != IDIPv4Addr && id != IDIPv6Addr:
		return nil, malformed(t, "%s, want an address", id)
	case len(address) != id.dataLen():
		return nil, malformed(t, "%s has %d bytes, want %d", id, len(address), id.dataLen())
	}
	a, _ := netip.AddrFromSlice(address) // 4 or 16 bytes always are an address
	return &NATOriginalAddress{Address: a, Draft: t == PayloadNATOADraft}, nil
}
