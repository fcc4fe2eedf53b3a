package isakmp

// The classes of phase 2 attributes (RFC 2407, 4.5; RFC 4304 for the extended
// sequence numbers). They share their numbers with other classes of phase 1.
const (
	AttrIPsecLifeType      uint16 = 1
	AttrIPsecLifeDuration  uint16 = 2
	AttrIPsecGroup         uint16 = 3
	AttrIPsecEncapsulation uint16 = 4
	AttrIPsecAuth          uint16 = 5
	AttrIPsecKeyLength     uint16 = 6
	AttrIPsecKeyRounds     uint16 = 7
	AttrIPsecESN           uint16 = 11
)

// IPsecSPILen is the length in bytes of the SPI of AH and ESP.
const IPsecSPILen = 4

// MinIPsecSPI is the lowest SPI that may be negotiated: those below are
// reserved (RFC 4303, 2.1).
const MinIPsecSPI = 256

// ParseAttributes reads a list of attributes, such as the data of a
// RESPONDER-LIFETIME notification (RFC 2407, 4.6.3.1). The error is an *Error.
func ParseAttributes(b []byte) ([]Attribute, error) { return parseAttributes(b) }

// MarshalAttributes writes a list of attributes.
func MarshalAttributes(as []Attribute) ([]byte, error) {
	if err := checkAttributes(as); err != nil {
		return nil, err
	}
	var b []byte
	for _, a := range as {
		b = a.appendTo(b)
	}
	return b, nil
}
