package isakmp

// The limits of a nonce in bytes (RFC 2409, 5).
const (
	MinNonce = 8
	MaxNonce = 256
)

// KeyExchange carries a public Diffie-Hellman value (RFC 2408, 3.7).
type KeyExchange struct{ Data []byte }

// Type gives PayloadKeyExchange.
func (*KeyExchange) Type() PayloadType            { return PayloadKeyExchange }
func (p *KeyExchange) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (p *KeyExchange) check() error {
	if len(p.Data) == 0 {
		return refuse(InvalidKeyInformation, p.Type(), "empty")
	}
	return nil
}

// Hash carries HASH_I, HASH_R or the hash that authenticates a later message
// (RFC 2408, 3.11).
type Hash struct{ Data []byte }

// Type gives PayloadHash.
func (*Hash) Type() PayloadType            { return PayloadHash }
func (p *Hash) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (p *Hash) check() error {
	if len(p.Data) == 0 {
		return refuse(InvalidHashInformation, p.Type(), "empty")
	}
	return nil
}

// Signature carries SIG_I or SIG_R (RFC 2408, 3.12).
type Signature struct{ Data []byte }

// Type gives PayloadSignature.
func (*Signature) Type() PayloadType            { return PayloadSignature }
func (p *Signature) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (p *Signature) check() error {
	if len(p.Data) == 0 {
		return refuse(InvalidSignature, p.Type(), "empty")
	}
	return nil
}

// Nonce carries MinNonce to MaxNonce random bytes (RFC 2408, 3.13).
type Nonce struct{ Data []byte }

// Type gives PayloadNonce.
func (*Nonce) Type() PayloadType            { return PayloadNonce }
func (p *Nonce) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (p *Nonce) check() error {
	// RFC 2409, 5: the length of a nonce must be between 8 and 256 bytes.
	if n := len(p.Data); n < MinNonce || n > MaxNonce {
		return malformed(p.Type(), "%d bytes, want %d to %d", n, MinNonce, MaxNonce)
	}
	return nil
}

// VendorID names a product or an extension (RFC 2408, 3.16). See KnownVendor.
type VendorID struct{ Data []byte }

// Type gives PayloadVendorID.
func (*VendorID) Type() PayloadType            { return PayloadVendorID }
func (p *VendorID) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (*VendorID) check() error                 { return nil }

// Unknown is a payload of a type that this package does not know. The exchange
// decides whether it may be passed over or is answered with
// INVALID-PAYLOAD-TYPE (RFC 2408, 5.3).
type Unknown struct {
	PayloadType PayloadType
	Data        []byte
}

// Type gives the number it came under.
func (p *Unknown) Type() PayloadType          { return p.PayloadType }
func (p *Unknown) appendBody(b []byte) []byte { return append(b, p.Data...) }
func (p *Unknown) check() error {
	if t := p.PayloadType; t <= PayloadVendorID || t == PayloadNATD || t == PayloadNATOA ||
		t == PayloadNATDDraft || t == PayloadNATOADraft || t == PayloadFragment {
		return refuse(InvalidPayloadType, t, "stands as an unknown payload, but has a type of its own")
	}
	return nil
}
