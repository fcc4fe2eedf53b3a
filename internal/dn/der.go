package dn

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The limits of a name. Names in real certificates stay far below.
const (
	// MaxDER is the longest encoding that FromDER accepts, in bytes.
	MaxDER = 16 << 10
	// MaxAttributes is the largest number of attributes in one name.
	MaxAttributes = 128
	// maxOID is the largest number of components in an attribute type.
	maxOID = 32
)

// FromDER reads one name, which must fill der: a SEQUENCE of RDNs (RFC 5280,
// 4.1.2.4). The name does not hold on to der.
func FromDER(der []byte) (Name, error) {
	if len(der) > MaxDER {
		return Name{}, fmt.Errorf("name: %d bytes, more than %d", len(der), MaxDER)
	}
	var sequence cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) {
		return Name{}, errors.New("name: no DER SEQUENCE")
	}
	if !input.Empty() {
		return Name{}, fmt.Errorf("name: %d bytes after its end", len(input))
	}
	n := Name{der: string(der), rdns: make([]rdn, 0, min(elements(sequence), MaxAttributes))}
	count := 0
	for !sequence.Empty() {
		var set cryptobyte.String
		if !sequence.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return Name{}, fmt.Errorf("name: RDN %d is no SET of at least one attribute", len(n.rdns)+1)
		}
		attrs := make(rdn, 0, min(elements(set), MaxAttributes))
		for !set.Empty() {
			if count++; count > MaxAttributes {
				return Name{}, fmt.Errorf("name: more than %d attributes", MaxAttributes)
			}
			a, err := readAttribute(&set)
			if err != nil {
				return Name{}, fmt.Errorf("name: attribute %d: %w", count, err)
			}
			attrs = append(attrs, a)
		}
		n.rdns = append(n.rdns, attrs)
	}
	return n, nil
}

// elements counts the elements one after the other, as far as they can be read.
func elements(s cryptobyte.String) int {
	n := 0
	for ; !s.Empty(); n++ {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1(&element, &tag) {
			break
		}
	}
	return n
}

// readAttribute takes one AttributeTypeAndValue off the set.
func readAttribute(set *cryptobyte.String) (attribute, error) {
	var (
		pair, element cryptobyte.String
		tag           cbasn1.Tag
	)
	if !set.ReadASN1(&pair, cbasn1.SEQUENCE) {
		return attribute{}, errAttribute
	}
	oid, err := readType(&pair)
	if err != nil {
		return attribute{}, err
	}
	if !pair.ReadAnyASN1Element(&element, &tag) || !pair.Empty() {
		return attribute{}, errAttribute
	}
	a := attribute{oid: oid, tag: uint8(tag)}
	content := element
	if !content.ReadAnyASN1(&content, &tag) {
		return attribute{}, errors.New("the value is no DER element")
	}
	text, ok := decodeString(tag, content)
	if !ok {
		text, a.opaque = string(element), true
	}
	a.value = text
	return a, nil
}

// errAttribute is what is no AttributeTypeAndValue.
var errAttribute = errors.New("no SEQUENCE of a type and a value")

// readType takes the type of an attribute. One that has a name here takes no memory
// of its own.
func readType(s *cryptobyte.String) (string, error) {
	var content cryptobyte.String
	if rest := *s; rest.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) {
		if t, ok := typeByDER(content); ok {
			*s = rest
			return t.oid, nil
		}
	}
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return "", errAttribute
	}
	if len(oid) > maxOID {
		return "", fmt.Errorf("the type has more than %d components", maxOID)
	}
	return oid.String(), nil
}

// decodeString turns a string value into UTF-8. It returns false for what is no
// string, and for octets that the string type does not have.
func decodeString(tag cbasn1.Tag, content []byte) (string, bool) {
	switch tag {
	case cbasn1.UTF8String:
		return string(content), utf8.Valid(content)
	case cbasn1.PrintableString, cbasn1.IA5String, tagNumericString, tagVisibleString:
		// PrintableString with characters outside its alphabet, such as
		// "@" or "*", is common enough to be read.
		return string(content), isASCII(content)
	case cbasn1.T61String:
		// In certificates it holds Latin-1, whatever T.61 says.
		runes := make([]rune, 0, len(content))
		for _, c := range content {
			runes = append(runes, rune(c))
		}
		return string(runes), true
	case tagBMPString:
		if len(content)%2 != 0 {
			return "", false
		}
		units := make([]uint16, 0, len(content)/2)
		for pair := range slices.Chunk(content, 2) {
			units = append(units, uint16(pair[0])<<8|uint16(pair[1]))
		}
		runes := utf16.Decode(units)
		// Decode writes U+FFFD for half a surrogate pair.
		return string(runes), slices.Equal(utf16.Encode(runes), units)
	case tagUniversalString:
		if len(content)%4 != 0 {
			return "", false
		}
		runes := make([]rune, 0, len(content)/4)
		for quad := range slices.Chunk(content, 4) {
			r := uint32(quad[0])<<24 | uint32(quad[1])<<16 | uint32(quad[2])<<8 | uint32(quad[3])
			if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
				return "", false
			}
			runes = append(runes, rune(r))
		}
		return string(runes), true
	default:
		return "", false
	}
}

// String types that cryptobyte has no name for.
const (
	tagNumericString   = cbasn1.Tag(18)
	tagVisibleString   = cbasn1.Tag(26)
	tagUniversalString = cbasn1.Tag(28)
	tagBMPString       = cbasn1.Tag(30)
)

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isPrintable reports whether s fits PrintableString (X.680, 41.4).
func isPrintable(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(" '()+,-./:=?", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// stringTag chooses the string type for a new value: IA5String where the
// attribute demands it (RFC 5280, 4.1.2.6), PrintableString where the text
// fits, otherwise UTF8String.
func stringTag(oid, text string) cbasn1.Tag {
	switch {
	case (oid == oidEmailAddress || oid == oidDomainComponent) && isASCII(text):
		return cbasn1.IA5String
	case isPrintable(text):
		return cbasn1.PrintableString
	}
	return cbasn1.UTF8String
}

// encode makes the DER of a name and reads it back, so that every Name comes
// out of FromDER.
func encode(rdns []rdn) (Name, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, set := range rdns {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				var encoded [][]byte
				for _, a := range set {
					der, err := a.encode()
					if err != nil {
						b.SetError(err)
						return
					}
					encoded = append(encoded, der)
				}
				slices.SortFunc(encoded, compareEncodings)
				for _, der := range encoded {
					b.AddBytes(der)
				}
			})
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return Name{}, err
	}
	return FromDER(der)
}

func (a attribute) encode() ([]byte, error) {
	oid, err := parseOID(a.oid)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if a.opaque {
			b.AddBytes([]byte(a.value))
			return
		}
		b.AddASN1(stringTag(a.oid, a.value), func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
	})
	return b.Bytes()
}

// parseOID reads a dotted OID within the bounds of X.660: the first component
// is 0, 1 or 2, the second below 40 after 0 and 1.
func parseOID(text string) (asn1.ObjectIdentifier, error) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > maxOID {
		return nil, fmt.Errorf("OID %q does not have 2 to %d components", text, maxOID)
	}
	oid := make(asn1.ObjectIdentifier, len(parts))
	for i, part := range parts {
		// 31 bits is what encoding/asn1 holds everywhere.
		v, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(v, 10) != part {
			return nil, fmt.Errorf("OID %q: component %q is no number below 2^31", text, part)
		}
		oid[i] = int(v)
	}
	if oid[0] > 2 || oid[0] < 2 && oid[1] >= 40 || oid[0] == 2 && oid[1] > maxSecond {
		return nil, fmt.Errorf("OID %q is out of range", text)
	}
	return oid, nil
}

// maxSecond keeps 80 + the second component within 31 bits.
const maxSecond = 1<<31 - 1 - 80
