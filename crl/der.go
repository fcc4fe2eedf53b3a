package crl

import (
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// errMalformed is the error for a part of a list or certificate that is not as
// RFC 5280 has it.
type errMalformed string

func (e errMalformed) Error() string { return "malformed " + string(e) }

// minimal reports whether content is the shortest form of a DER INTEGER.
func minimal(content []byte) bool {
	if len(content) < 2 {
		return len(content) == 1
	}
	return (content[0] != 0 || content[1]&0x80 != 0) && (content[0] != 0xff || content[1]&0x80 == 0)
}

// readExtension reads one Extension (RFC 5280, 4.1).
func readExtension(s *cryptobyte.String) (oid cryptobyte.String, critical bool, value cryptobyte.String, ok bool) {
	var extension cryptobyte.String
	if !s.ReadASN1(&extension, cbasn1.SEQUENCE) ||
		!extension.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) ||
		extension.PeekASN1Tag(cbasn1.BOOLEAN) && !readBool(&extension, cbasn1.BOOLEAN, &critical) ||
		!extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() {
		return nil, false, nil, false
	}
	return oid, critical, value, true
}

// readBool reads a BOOLEAN with a tag of its own. DER would leave out what is
// the default, but some issuers write it; any other octet is an error.
func readBool(s *cryptobyte.String, tag cbasn1.Tag, out *bool) bool {
	var content cryptobyte.String
	if !s.ReadASN1(&content, tag) || len(content) != 1 || content[0] != 0 && content[0] != 0xff {
		return false
	}
	*out = content[0] == 0xff
	return true
}

// readTime reads a Time: UTCTime or GeneralizedTime, in the one form that RFC
// 5280, 4.1.2.5, leaves of each. It allocates nothing.
func readTime(s *cryptobyte.String) (time.Time, bool) {
	if s.PeekASN1Tag(cbasn1.GeneralizedTime) {
		return readGeneralizedTime(s)
	}
	var text cryptobyte.String
	if !s.ReadASN1(&text, cbasn1.UTCTime) || len(text) != len("YYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	year, ok := digits(text[:2])
	if year += 1900; year < 1950 {
		year += 100
	}
	if !ok {
		return time.Time{}, false
	}
	return instant(year, text[2:])
}

// readGeneralizedTime reads a GeneralizedTime (RFC 5280, 4.1.2.5.2).
func readGeneralizedTime(s *cryptobyte.String) (time.Time, bool) {
	var text cryptobyte.String
	if !s.ReadASN1(&text, cbasn1.GeneralizedTime) || len(text) != len("YYYYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	year, ok := digits(text[:4])
	if !ok {
		return time.Time{}, false
	}
	return instant(year, text[4:])
}

// instant reads MMDDhhmmssZ.
func instant(year int, text []byte) (time.Time, bool) {
	var part [5]int
	for i := range part {
		var ok bool
		if part[i], ok = digits(text[2*i : 2*i+2]); !ok {
			return time.Time{}, false
		}
	}
	t := time.Date(year, time.Month(part[0]), part[1], part[2], part[3], part[4], 0, time.UTC)
	// time.Date turns the 31st of April into the 1st of May.
	if text[10] != 'Z' || int(t.Month()) != part[0] || t.Day() != part[1] || t.Hour() != part[2] ||
		t.Minute() != part[3] || t.Second() != part[4] {
		return time.Time{}, false
	}
	return t, true
}

// digits reads a decimal number of a fixed width.
func digits(text []byte) (int, bool) {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// oidText writes the content octets of an OBJECT IDENTIFIER with dots.
func oidText(content []byte) string {
	if len(content) > maxOID {
		return fmt.Sprintf("an OID of %d octets", len(content))
	}
	var (
		b   cryptobyte.Builder
		oid asn1.ObjectIdentifier
	)
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	der, err := b.Bytes()
	s := cryptobyte.String(der)
	if err != nil || !s.ReadASN1ObjectIdentifier(&oid) {
		return fmt.Sprintf("OID %x", content)
	}
	return oid.String()
}
