package isakmp

// Message is a header and the payloads behind it.
type Message struct {
	Header   Header
	Payloads []Payload
}

// Parse reads a whole message in the clear. The error is an *Error, or
// ErrEncrypted where the payloads are not readable yet. The payloads point into
// b.
func Parse(b []byte) (*Message, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return nil, err
	}
	if h.Encrypted() {
		return nil, ErrEncrypted
	}
	ps, err := ParsePayloads(h.Next, b[HeaderLen:])
	if err != nil {
		return nil, err
	}
	return &Message{Header: h, Payloads: ps}, nil
}

// Marshal gives the message in the clear. It sets the header's Next, Version
// and Length, and Raw of every *SA, to what it wrote. A header that says the
// message is encrypted is refused with ErrEncrypted, what the parser would
// refuse with an *Error.
func (m *Message) Marshal() ([]byte, error) {
	first, body, err := MarshalPayloads(m.Payloads)
	if err != nil {
		return nil, err
	}
	h := m.Header
	h.Next, h.Version, h.Length = first, Version, uint32(HeaderLen+len(body))
	if h.Encrypted() {
		return nil, ErrEncrypted
	}
	if h.Flags&^knownFlags != 0 {
		return nil, refuse(InvalidFlags, PayloadNone, "unknown flags %#02x", uint8(h.Flags&^knownFlags))
	}
	m.Header = h
	return append(h.AppendTo(make([]byte, 0, HeaderLen+len(body))), body...), nil
}
