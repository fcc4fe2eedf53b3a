package ike

import (
	"net/netip"

	"keyman/ike/ikev1"
)

// A Packet is one ISAKMP message on its way, without non-ESP marker.
type Packet struct {
	Path ikev1.Path
	Data []byte
}

// A Transport carries ISAKMP messages. UDP is one; package iketest has another.
type Transport interface {
	// Receive returns the next packet, which the caller owns. It blocks until
	// there is one; after Close it returns net.ErrClosed. It is called from
	// one goroutine.
	Receive() (Packet, error)
	// Send sends a packet and does not keep it. It does not block for long
	// and may lose packets. It is called from one goroutine, not the one that
	// receives.
	Send(Packet) error
	// Local returns the address and port from which packets to a peer go out,
	// on the IKE port or the one for NAT traversal. The zero AddrPort says
	// that there is none.
	Local(peer netip.AddrPort, natt bool) netip.AddrPort
	// Close ends Receive.
	Close() error
}
