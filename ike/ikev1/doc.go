// Package ikev1 is IKE version 1 as values: an SA takes events and the time,
// and returns effects.
//
// Start with New, which makes one side of one negotiation, and feed it through
// Handle: a datagram, a timer, a finished Diffie-Hellman operation, a finished
// signature, a verdict on the peer. What Handle returns is to be carried out by
// the caller: send this, wake me then, sign that. Nothing here opens a socket,
// reads a clock, starts a goroutine, takes a lock or draws a random number; the
// caller gives a seed. The same events at the same times give the same effects,
// so a negotiation can be replayed, and simulated by the million.
//
// An established SA negotiates phase 2: the event Negotiate begins a quick mode,
// ChildOffered says that the peer began one, ChildUp brings the SAs of ESP and AH
// with their keys. A Child, made with NewChild, keeps those of one phase 2 tunnel: it
// takes these effects as its events, and asks for the next SA in time.
//
// An SA is not safe for concurrent use: its owner calls Handle from one
// goroutine at a time.
//
// Implemented: main mode and aggressive mode of RFC 2409, 5 with preshared keys
// (5.4), RSA signatures (5.1) and ECDSA signatures (RFC 4754), the informational
// exchange (5.7) with DELETE, INITIAL-CONTACT and dead peer detection (RFC 3706),
// quick mode (5.5) by RFC 2407 with the commit bit (RFC 2408, 3.1),
// RESPONDER-LIFETIME and NAT-OA, NAT traversal (RFC 3947) and the message fragmentation that peers announce by
// vendor ID.
package ikev1
