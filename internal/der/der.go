// Package der reads the small parts that certificates and revocation lists
// share: object identifiers, times, booleans, integers and extensions (RFC 5280,
// 4.1 and 5.1). It completes golang.org/x/crypto/cryptobyte, which checks tags
// and lengths, where that package has no exact reader or one that allocates.
//
// Every function takes what it read off its input, and reports by false that
// the input is not what it reads.
package der

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// An Extension is one extension of a certificate, a list or an entry (RFC 5280,
// 4.1.2.9).
type Extension struct {
	OID      OID
	Critical bool
	// Value is the content of extnValue. It points into the input.
	Value []byte
}

// ReadExtension reads one Extension. A critical flag that is written although
// it has the default value is read, too: some issuers write it.
func ReadExtension(s *cryptobyte.String) (Extension, bool) {
	oid, critical, value, ok := ReadRawExtension(s)
	if !ok {
		return Extension{}, false
	}
	return Extension{OID: OID(oid), Critical: critical, Value: value}, true
}

// ReadRawExtension is ReadExtension without an allocation, for lists with
// millions of them: oid has the octets of an OID.
func ReadRawExtension(s *cryptobyte.String) (oid []byte, critical bool, value cryptobyte.String, ok bool) {
	var extension cryptobyte.String
	if !s.ReadASN1(&extension, asn1.SEQUENCE) {
		return nil, false, nil, false
	}
	if oid, ok = ReadRawOID(&extension); !ok ||
		extension.PeekASN1Tag(asn1.BOOLEAN) && !ReadBool(&extension, asn1.BOOLEAN, &critical) ||
		!extension.ReadASN1(&value, asn1.OCTET_STRING) || !extension.Empty() {
		return nil, false, nil, false
	}
	return oid, critical, value, true
}

// ReadBool reads a BOOLEAN with a tag of its own into out. DER leaves out what
// is the default, but some issuers write it; an octet other than 0 and 255 is
// refused (X.690, 11.1).
func ReadBool(s *cryptobyte.String, tag asn1.Tag, out *bool) bool {
	var content cryptobyte.String
	if !s.ReadASN1(&content, tag) || len(content) != 1 || content[0] != 0 && content[0] != 0xff {
		return false
	}
	*out = content[0] == 0xff
	return true
}

// Minimal reports whether content is the shortest form of an INTEGER (X.690,
// 8.3.2).
func Minimal(content []byte) bool {
	if len(content) < 2 {
		return len(content) == 1
	}
	return (content[0] != 0 || content[1]&0x80 != 0) && (content[0] != 0xff || content[1]&0x80 == 0)
}

// ReadBits reads the content of a named-bit BIT STRING, such as KeyUsage, whose
// first 16 bits are returned with bit n of the standard as 1<<n. Zero bits at
// the end, which DER leaves out (X.690, 11.2.2), are read, too.
func ReadBits(content []byte) (bits uint16, ok bool) {
	if len(content) == 0 || content[0] > 7 || len(content) == 1 && content[0] != 0 {
		return 0, false
	}
	unused, octets := content[0], content[1:]
	if len(octets) > 0 && octets[len(octets)-1]&(1<<unused-1) != 0 {
		return 0, false
	}
	for at, octet := range octets[:min(len(octets), 2)] {
		for bit := range 8 {
			if octet&(0x80>>bit) != 0 {
				bits |= 1 << (8*at + bit)
			}
		}
	}
	return bits, true
}
