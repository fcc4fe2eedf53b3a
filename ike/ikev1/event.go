package ikev1

import (
	"net/netip"

	"keyman/ike/suite"
)

// An Event is something that happened to an SA: one of Start, Datagram, Timer,
// KeyPair, SharedSecret, Signed, Verdict and Close, and of phase 2 Negotiate,
// Terms and DeleteChild.
type Event interface{ isEvent() }

// Start begins a negotiation as initiator.
type Start struct{}

// A Path is the pair of addresses that a datagram travelled or shall travel.
type Path struct {
	Local, Remote netip.AddrPort
	// NATT says that the datagram belongs to the NAT traversal port, where
	// the caller adds and removes the non-ESP marker (RFC 3948, 2.2).
	NATT bool
}

// Datagram is an ISAKMP message that arrived, without non-ESP marker. The SA
// keeps no reference to Data.
type Datagram struct {
	Path Path
	Data []byte
}

// Timer says that the time of the last SetTimer has come.
type Timer struct{}

// KeyPair answers GenerateKey.
type KeyPair struct {
	Key      *suite.PrivateKey
	Err      error
	Exchange uint32 // as in GenerateKey
}

// SharedSecret answers ComputeSecret.
type SharedSecret struct {
	Secret   []byte
	Err      error
	Exchange uint32 // as in ComputeSecret
}

// Signed answers Sign.
type Signed struct {
	Signature []byte
	Err       error
}

// Verdict answers Verify: a nil Err accepts the peer.
type Verdict struct {
	Err error
}

// Close ends the SA; an established one tells its peer by DELETE.
type Close struct {
	Reason string
	// KeepChildren lets the SAs of phase 2 live on.
	KeepChildren bool
}

func (Start) isEvent()        {}
func (Datagram) isEvent()     {}
func (Timer) isEvent()        {}
func (KeyPair) isEvent()      {}
func (SharedSecret) isEvent() {}
func (Signed) isEvent()       {}
func (Verdict) isEvent()      {}
func (Close) isEvent()        {}
