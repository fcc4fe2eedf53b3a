package isakmp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// IDType says how an identity is written (RFC 2407, 4.6.2.1).
type IDType uint8

// The identity types.
const (
	IDIPv4Addr   IDType = 1
	IDFQDN       IDType = 2
	IDUserFQDN   IDType = 3
	IDIPv4Subnet IDType = 4
	IDIPv6Addr   IDType = 5
	IDIPv6Subnet IDType = 6
	IDIPv4Range  IDType = 7
	IDIPv6Range  IDType = 8
	IDDERASN1DN  IDType = 9
	IDDERASN1GN  IDType = 10
	IDKeyID      IDType = 11
)

// String gives RFC 2407's name, or the number.
func (t IDType) String() string {
	switch t {
	case IDIPv4Addr:
		return "ID_IPV4_ADDR"
	case IDFQDN:
		return "ID_FQDN"
	case IDUserFQDN:
		return "ID_USER_FQDN"
	case IDIPv4Subnet:
		return "ID_IPV4_ADDR_SUBNET"
	case IDIPv6Addr:
		return "ID_IPV6_ADDR"
	case IDIPv6Subnet:
		return "ID_IPV6_ADDR_SUBNET"
	case IDIPv4Range:
		return "ID_IPV4_ADDR_RANGE"
	case IDIPv6Range:
		return "ID_IPV6_ADDR_RANGE"
	case IDDERASN1DN:
		return "ID_DER_ASN1_DN"
	case IDDERASN1GN:
		return "ID_DER_ASN1_GN"
	case IDKeyID:
		return "ID_KEY_ID"
	}
	return fmt.Sprintf("ID type %d", uint8(t))
}

// dataLen gives the length that the type asks for, or 0 where it is free.
func (t IDType) dataLen() int {
	switch t {
	case IDIPv4Addr:
		return 4
	case IDIPv4Subnet, IDIPv4Range:
		return 8
	case IDIPv6Addr:
		return 16
	case IDIPv6Subnet, IDIPv6Range:
		return 32
	default:
		return 0
	}
}

// identificationFixed is the length of type, protocol and port.
const identificationFixed = 4

// Identification says who the sender is, or what traffic it speaks for (RFC
// 2407, 4.6.2).
type Identification struct {
	IDType   IDType
	Protocol uint8  // IP protocol; in phase 1 0, or 17 with the port of IKE
	Port     uint16 // in phase 1 0 or 500, or 4500 behind a NAT
	Data     []byte // never empty; of the type's length where it has one
}

// Body gives the payload's body: type, protocol, port and data. HASH_I and
// HASH_R cover it (RFC 2409, 5: IDii_b, IDir_b).
func (p *Identification) Body() []byte {
	return p.appendBody(make([]byte, 0, identificationFixed+len(p.Data)))
}

// AddrID makes the identity of an IP address. An IPv4 address inside an IPv6
// one counts as IPv4.
func AddrID(a netip.Addr) *Identification {
	a = a.Unmap()
	t := IDIPv6Addr
	if a.Is4() {
		t = IDIPv4Addr
	}
	return &Identification{IDType: t, Data: a.AsSlice()}
}

// Addr gives the address of an IDIPv4Addr or IDIPv6Addr.
func (p *Identification) Addr() (netip.Addr, bool) {
	if p.IDType != IDIPv4Addr && p.IDType != IDIPv6Addr || len(p.Data) != p.IDType.dataLen() {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(p.Data)
}

// Type gives PayloadIdentification.
func (*Identification) Type() PayloadType { return PayloadIdentification }

func (p *Identification) appendBody(b []byte) []byte {
	b = append(b, byte(p.IDType), p.Protocol)
	b = binary.BigEndian.AppendUint16(b, p.Port)
	return append(b, p.Data...)
}

func (p *Identification) check() error {
	want := p.IDType.dataLen()
	switch {
	case len(p.Data) == 0:
		return refuse(InvalidIDInformation, p.Type(), "%s is empty", p.IDType)
	case want != 0 && len(p.Data) != want:
		return refuse(InvalidIDInformation, p.Type(), "%s has %d bytes, want %d", p.IDType, len(p.Data), want)
	}
	return nil
}

func parseIdentification(b []byte) (*Identification, error) {
	if len(b) < identificationFixed {
		return nil, malformed(PayloadIdentification, "%d bytes are too few", len(b))
	}
	return &Identification{
		IDType:   IDType(b[0]),
		Protocol: b[1],
		Port:     binary.BigEndian.Uint16(b[2:4]),
		Data:     b[identificationFixed:],
	}, nil
}
