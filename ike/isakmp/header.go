package isakmp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

const (
	// HeaderLen is the length of the ISAKMP header in bytes (RFC 2408, 3.1).
	HeaderLen = 28

	// MaxMessage is the longest message in bytes: what fits into one UDP
	// datagram over IPv4. A message put together from fragments is held to it
	// too.
	MaxMessage = 65507

	// Version is the one version spoken: major 1, minor 0 (RFC 2408, 3.1).
	Version uint8 = 0x10
)

// A Cookie is one side's half of the name of an ISAKMP SA.
type Cookie [8]byte

// IsZero reports whether the cookie is all zeros, as the responder's is in an
// exchange's first message.
func (c Cookie) IsZero() bool { return c == Cookie{} }

// String gives 16 hexadecimal digits.
func (c Cookie) String() string { return hex.EncodeToString(c[:]) }

// ExchangeType says which exchange a message belongs to (RFC 2408, 3.1; RFC
// 2409, appendix A).
type ExchangeType uint8

// The exchange types. IdentityProtection is IKE's main mode, Transaction the
// one that carries mode configuration and XAuth.
const (
	Base               ExchangeType = 1
	IdentityProtection ExchangeType = 2
	AuthOnly           ExchangeType = 3
	Aggressive         ExchangeType = 4
	Informational      ExchangeType = 5
	Transaction        ExchangeType = 6
	QuickMode          ExchangeType = 32
	NewGroup           ExchangeType = 33
)

// String gives IKE's name of the exchange, or its number.
func (x ExchangeType) String() string {
	switch x {
	case Base:
		return "base"
	case IdentityProtection:
		return "main mode"
	case AuthOnly:
		return "authentication only"
	case Aggressive:
		return "aggressive mode"
	case Informational:
		return "informational"
	case Transaction:
		return "transaction"
	case QuickMode:
		return "quick mode"
	case NewGroup:
		return "new group mode"
	}
	return fmt.Sprintf("exchange type %d", uint8(x))
}

// Flags are the header's flags (RFC 2408, 3.1).
type Flags uint8

// The flags. All other bits must be zero.
const (
	FlagEncryption Flags = 1 << 0 // what follows the header is encrypted
	FlagCommit     Flags = 1 << 1 // wait for CONNECTED before using the SA
	FlagAuthOnly   Flags = 1 << 2 // authenticated but not encrypted

	knownFlags = FlagEncryption | FlagCommit | FlagAuthOnly
)

// Header is the ISAKMP header (RFC 2408, 3.1).
type Header struct {
	Initiator, Responder Cookie
	Next                 PayloadType // type of the first payload
	Version              uint8       // major in the high half, minor in the low
	Exchange             ExchangeType
	Flags                Flags
	MessageID            uint32 // zero in phase 1
	Length               uint32 // of the whole message with this header, in bytes
}

// Encrypted reports whether what follows the header must be decrypted first. A
// fragment is in the clear whatever its flags say: racoon copies the flags of
// the message that it splits.
func (h Header) Encrypted() bool {
	return h.Flags&FlagEncryption != 0 && h.Next != PayloadFragment
}

// ParseHeader reads and checks the header of the message b, which must be
// exactly one message: without the non-ESP marker of RFC 3948, and without
// bytes after it. The error is an *Error.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, refuse(UnequalPayloadLengths, PayloadNone, "%d bytes are too few for a header", len(b))
	}
	h := Header{
		Initiator: Cookie(b[0:8]),
		Responder: Cookie(b[8:16]),
		Next:      PayloadType(b[16]),
		Version:   b[17],
		Exchange:  ExchangeType(b[18]),
		Flags:     Flags(b[19]),
		MessageID: binary.BigEndian.Uint32(b[20:24]),
		Length:    binary.BigEndian.Uint32(b[24:28]),
	}
	// RFC 2408, 5.2: the version is looked at before the rest is believed.
	switch {
	case h.Version>>4 != Version>>4:
		return Header{}, refuse(InvalidMajorVersion, PayloadNone, "major version %d, want 1", h.Version>>4)
	case h.Version != Version:
		return Header{}, refuse(InvalidMinorVersion, PayloadNone, "minor version %d, want 0", h.Version&0x0f)
	case h.Flags&^knownFlags != 0:
		return Header{}, refuse(InvalidFlags, PayloadNone, "unknown flags %#02x", uint8(h.Flags&^knownFlags))
	case len(b) > MaxMessage:
		return Header{}, refuse(UnequalPayloadLengths, PayloadNone, "message of %d bytes, at most %d", len(b), MaxMessage)
	case uint64(h.Length) != uint64(len(b)):
		// RFC 2408, 5.1.
		return Header{}, refuse(UnequalPayloadLengths, PayloadNone, "the header says %d bytes, %d arrived", h.Length, len(b))
	}
	return h, nil
}

// AppendTo appends the 28 bytes of the header, with Version and Length as they
// stand.
func (h Header) AppendTo(b []byte) []byte {
	b = append(b, h.Initiator[:]...)
	b = append(b, h.Responder[:]...)
	b = append(b, byte(h.Next), h.Version, byte(h.Exchange), byte(h.Flags))
	b = binary.BigEndian.AppendUint32(b, h.MessageID)
	return binary.BigEndian.AppendUint32(b, h.Length)
}
