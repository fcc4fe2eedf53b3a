// Package isakmp reads and writes the messages of IKEv1.
//
// Use [ParseHeader] on every datagram first. Where it carries no encryption
// flag, [Parse] gives the whole [Message]; where it does, decrypt what follows
// the header and give it to [ParseDecrypted] with the header's next payload. To
// send, fill a Message and call [Message.Marshal], or [MarshalPayloads] where
// the payloads will be encrypted. [Find] and [All] pick payloads out of a
// message. [Split] and [Reassembler] carry a message that is too large for one
// packet.
//
// What it promises:
//
//   - It is pure: bytes in, values out. It opens no socket, reads no clock,
//     takes no lock and draws no random number.
//   - A parser accepts a message or refuses the whole of it. Every length is
//     checked before it is used, memory grows with what arrived, and all limits
//     are the Max constants.
//   - An error of a parser is an [*Error]; it names the notification that
//     answers the message. [ErrEncrypted] is the one exception.
//   - What a parser accepts, marshals to the same bytes; what Marshal gives,
//     the parser accepts.
//   - Parsed payloads point into the bytes they were parsed from. Who reuses a
//     receive buffer hands over a copy. The [Reassembler] copies by itself.
//
// It checks form alone: which payloads a message needs, in which order they
// may come and whether a value is acceptable is the matter of the exchange.
//
// It implements RFC 2408 section 3 (formats), RFC 2407 section 4 (the IPsec
// DOI's values), RFC 2409 appendix A (phase 1 attributes), RFC 3706 (dead peer
// detection's notifications), RFC 3947 (NAT discovery), and the fragmentation of
// IKEv1 messages that Cisco began and strongSwan, libreswan and racoon speak,
// for which there is no RFC.
package isakmp
