package isakmp

import (
	"encoding/binary"
	"fmt"
)

const (
	// MaxPayloads is the greatest number of payloads in a message. A
	// certificate chain and the vendor IDs of all known products stay far
	// below it.
	MaxPayloads = 128

	// MaxPadding is the greatest number of bytes after the last payload of a
	// decrypted message. RFC 2409, appendix B, pads to the cipher's block; some
	// peers pad by a random number of bytes.
	MaxPadding = 255

	// genericLen is the length of the generic payload header (RFC 2408, 3.2).
	genericLen = 4

	// maxBody is the longest body that the 16-bit length of a payload allows.
	maxBody = 1<<16 - 1 - genericLen
)

// PayloadType says what a payload is (RFC 2408, 3.1).
type PayloadType uint8

// The payload types. Proposal and transform stand inside an SA only.
const (
	PayloadNone               PayloadType = 0
	PayloadSA                 PayloadType = 1
	PayloadProposal           PayloadType = 2
	PayloadTransform          PayloadType = 3
	PayloadKeyExchange        PayloadType = 4
	PayloadIdentification     PayloadType = 5
	PayloadCertificate        PayloadType = 6
	PayloadCertificateRequest PayloadType = 7
	PayloadHash               PayloadType = 8
	PayloadSignature          PayloadType = 9
	PayloadNonce              PayloadType = 10
	PayloadNotification       PayloadType = 11
	PayloadDelete             PayloadType = 12
	PayloadVendorID           PayloadType = 13
	PayloadNATD               PayloadType = 20  // RFC 3947, 3.2
	PayloadNATOA              PayloadType = 21  // RFC 3947, 5.2
	PayloadNATDDraft          PayloadType = 130 // draft-ietf-ipsec-nat-t-ike-02 and -03
	PayloadNATOADraft         PayloadType = 131
	PayloadFragment           PayloadType = 132 // Cisco
)

// String gives the short name of the payload as protocol logs write it.
func (t PayloadType) String() string {
	switch t {
	case PayloadNone:
		return "none"
	case PayloadSA:
		return "SA"
	case PayloadProposal:
		return "P"
	case PayloadTransform:
		return "T"
	case PayloadKeyExchange:
		return "KE"
	case PayloadIdentification:
		return "ID"
	case PayloadCertificate:
		return "CERT"
	case PayloadCertificateRequest:
		return "CERTREQ"
	case PayloadHash:
		return "HASH"
	case PayloadSignature:
		return "SIG"
	case PayloadNonce:
		return "NONCE"
	case PayloadNotification:
		return "N"
	case PayloadDelete:
		return "D"
	case PayloadVendorID:
		return "VID"
	case PayloadNATD:
		return "NAT-D"
	case PayloadNATOA:
		return "NAT-OA"
	case PayloadNATDDraft:
		return "NAT-D(draft)"
	case PayloadNATOADraft:
		return "NAT-OA(draft)"
	case PayloadFragment:
		return "FRAG"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// A Payload is one of the pointer types of this package: *SA, *KeyExchange,
// *Identification, *Certificate, *CertificateRequest, *Hash, *Signature,
// *Nonce, *Notification, *Delete, *VendorID, *NATDiscovery,
// *NATOriginalAddress, *Fragment, *Unknown.
type Payload interface {
	// Type gives the number under which the payload stands in the chain.
	Type() PayloadType

	// check refuses what must be neither sent nor accepted. The parser and
	// Marshal both ask it, so that they cannot disagree.
	check() error

	// appendBody appends what follows the generic header.
	appendBody(b []byte) []byte
}

// ParsePayloads reads a chain of payloads whose first one has type first. It
// must fill body to the last byte. The error is an *Error; the payloads point
// into body.
func ParsePayloads(first PayloadType, body []byte) ([]Payload, error) {
	ps, rest, err := parseChain(first, body)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, refuse(UnequalPayloadLengths, PayloadNone, "%d bytes after the last payload", len(rest))
	}
	return ps, nil
}

// ParseDecrypted reads a chain of payloads as ParsePayloads does, after which
// up to MaxPadding bytes of padding may stand. RFC 2409, appendix B, wants zeros
// there, but peers write other things, so the padding is not looked at.
func ParseDecrypted(first PayloadType, body []byte) ([]Payload, error) {
	ps, rest, err := parseChain(first, body)
	if err != nil {
		return nil, err
	}
	if len(rest) > MaxPadding {
		return nil, refuse(UnequalPayloadLengths, PayloadNone, "%d bytes after the last payload, at most %d are padding", len(rest), MaxPadding)
	}
	return ps, nil
}

// parseChain reads payloads up to the one that names no next, and gives what
// is left.
func parseChain(first PayloadType, b []byte) ([]Payload, []byte, error) {
	if first == PayloadNone {
		return nil, nil, malformed(PayloadNone, "the message has no payload")
	}
	var ps []Payload
	for t := first; t != PayloadNone; {
		if len(ps) == MaxPayloads {
			return nil, nil, malformed(PayloadNone, "more than %d payloads", MaxPayloads)
		}
		next, body, rest, err := cutPayload(t, b)
		if err != nil {
			return nil, nil, err
		}
		p, err := parseBody(t, body)
		if err != nil {
			return nil, nil, err
		}
		ps = append(ps, p)
		t, b = next, rest
	}
	return ps, b, nil
}

// cutPayload takes the payload of type t off the front of b by its generic
// header (RFC 2408, 3.2). The body's capacity ends with it, so that an append
// cannot write into the next payload.
func cutPayload(t PayloadType, b []byte) (next PayloadType, body, rest []byte, err error) {
	if len(b) < genericLen {
		return 0, nil, nil, malformed(t, "%d bytes left, too few for its header", len(b))
	}
	n := int(binary.BigEndian.Uint16(b[2:4]))
	switch {
	case b[1] != 0:
		// RFC 2408, 5.3.
		return 0, nil, nil, malformed(t, "reserved byte is %#02x, want 0", b[1])
	case n < genericLen || n > len(b):
		return 0, nil, nil, malformed(t, "length %d with %d bytes left", n, len(b))
	}
	return PayloadType(b[0]), b[genericLen:n:n], b[n:], nil
}

// parseBody reads the body of one payload.
func parseBody(t PayloadType, b []byte) (Payload, error) {
	var p Payload
	var err error
	switch t {
	case PayloadSA:
		p, err = parseSA(b)
	case PayloadProposal, PayloadTransform:
		return nil, refuse(InvalidPayloadType, t, "stands outside an SA payload")
	case PayloadKeyExchange:
		p = &KeyExchange{Data: b}
	case PayloadIdentification:
		p, err = parseIdentification(b)
	case PayloadCertificate:
		p, err = parseCertificate(b)
	case PayloadCertificateRequest:
		p, err = parseCertificateRequest(b)
	case PayloadHash:
		p = &Hash{Data: b}
	case PayloadSignature:
		p = &Signature{Data: b}
	case PayloadNonce:
		p = &Nonce{Data: b}
	case PayloadNotification:
		p, err = parseNotification(b)
	case PayloadDelete:
		p, err = parseDelete(b)
	case PayloadVendorID:
		p = &VendorID{Data: b}
	case PayloadNATD, PayloadNATDDraft:
		p = &NATDiscovery{Data: b, Draft: t == PayloadNATDDraft}
	case PayloadNATOA, PayloadNATOADraft:
		p, err = parseNATOriginalAddress(t, b)
	case PayloadFragment:
		p, err = parseFragment(b)
	default:
		p = &Unknown{PayloadType: t, Data: b}
	}
	if err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// MarshalPayloads gives the chain of payloads and the type of its first one,
// as they stand behind a header. It sets Raw of every *SA among them. What the
// parser would refuse is an *Error, and nothing is changed.
func MarshalPayloads(ps []Payload) (first PayloadType, body []byte, err error) {
	switch {
	case len(ps) == 0:
		return PayloadNone, nil, malformed(PayloadNone, "the message has no payload")
	case len(ps) > MaxPayloads:
		return PayloadNone, nil, malformed(PayloadNone, "%d payloads, at most %d", len(ps), MaxPayloads)
	}
	starts := make([]int, len(ps)) // of the bodies
	for i, p := range ps {
		if err := p.check(); err != nil {
			return PayloadNone, nil, err
		}
		next := PayloadNone
		if i+1 < len(ps) {
			next = ps[i+1].Type()
		}
		body, starts[i] = appendGeneric(body, next, p.appendBody)
		if n := len(body) - starts[i]; n > maxBody {
			return PayloadNone, nil, malformed(p.Type(), "%d bytes, at most %d", n, maxBody)
		}
	}
	if n := HeaderLen + len(body); n > MaxMessage {
		return PayloadNone, nil, malformed(PayloadNone, "message of %d bytes, at most %d", n, MaxMessage)
	}
	for i, p := range ps {
		if sa, ok := p.(*SA); ok {
			end := len(body)
			if i+1 < len(ps) {
				end = starts[i+1] - genericLen
			}
			sa.Raw = body[starts[i]:end:end]
		}
	}
	return ps[0].Type(), body, nil
}

// appendGeneric appends a generic header and a body, and gives where the body
// starts. The length is right if the body is not longer than maxBody.
func appendGeneric(b []byte, next PayloadType, appendBody func([]byte) []byte) (_ []byte, start int) {
	head := len(b)
	b = append(b, byte(next), 0, 0, 0)
	b = appendBody(b)
	binary.BigEndian.PutUint16(b[head+2:], uint16(len(b)-head))
	return b, head + genericLen
}

// Find gives the first payload of type T.
func Find[T Payload](ps []Payload) (T, bool) {
	for _, p := range ps {
		if t, ok := p.(T); ok {
			return t, true
		}
	}
	var none T
	return none, false
}

// All gives the payloads of type T in their order.
func All[T Payload](ps []Payload) []T {
	var all []T
	for _, p := range ps {
		if t, ok := p.(T); ok {
			all = append(all, t)
		}
	}
	return all
}
