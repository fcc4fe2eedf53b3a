package dn

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxText is the longest text that Parse accepts, in bytes. The text of a name
// of MaxDER bytes stays below it: a Latin-1 control character is the worst, one
// octet that is written as six.
const MaxText = 128 << 10

// blanks are the characters that do not count around types and values.
const blanks = " \t\r\n"

// Parse reads a name as people write it, in comma or slash form (see the
// package comment); both are in DER order.
func Parse(text string) (Name, error) {
	// Blanks at the end belong to the last value, which may escape them.
	rest := strings.TrimLeft(text, blanks)
	if slash, ok := strings.CutPrefix(rest, "/"); ok {
		return parse(text, slash, '/')
	}
	return parse(text, rest, ',')
}

// ParseLDAP reads the comma form in LDAP's order (RFC 4514), the reverse of the
// DER order.
func ParseLDAP(text string) (Name, error) {
	n, err := parse(text, strings.TrimLeft(text, blanks), ',')
	if err != nil {
		return Name{}, err
	}
	rdns := slices.Clone(n.rdns)
	slices.Reverse(rdns)
	return encode(rdns)
}

// parse reads rest, with separators between RDNs; whole is for errors.
func parse(whole, rest string, separator byte) (Name, error) {
	if len(whole) > MaxText {
		return Name{}, fmt.Errorf("name: %d bytes, more than %d", len(whole), MaxText)
	}
	if rest == "" {
		return Name{}, errors.New("name: it is empty")
	}
	s := scanner{rest: rest, separator: separator}
	rdns := []rdn{{}}
	for count := 1; ; count++ {
		if count > MaxAttributes {
			return Name{}, fmt.Errorf("name: more than %d attributes", MaxAttributes)
		}
		a, err := s.attribute()
		if err != nil {
			return Name{}, fmt.Errorf("name %.200q: %w", whole, err)
		}
		last := &rdns[len(rdns)-1]
		*last = append(*last, a)
		if s.rest == "" {
			break
		}
		if s.rest[0] == separator {
			rdns = append(rdns, rdn{})
		}
		s.rest = s.rest[1:]
	}
	n, err := encode(rdns)
	if err != nil {
		return Name{}, fmt.Errorf("name %.200q: %w", whole, err)
	}
	return n, nil
}

// A scanner walks over the text of a name.
type scanner struct {
	rest      string
	separator byte
}

// attribute reads "type=value" up to the separator, "+" or the end, which it
// leaves in place.
func (s *scanner) attribute() (attribute, error) {
	name, rest, ok := strings.Cut(s.rest, "=")
	if !ok {
		return attribute{}, fmt.Errorf("no %q after %.100q", "=", s.rest)
	}
	oid, err := oidByText(strings.Trim(name, blanks))
	if err != nil {
		return attribute{}, err
	}
	s.rest = strings.TrimLeft(rest, blanks)
	if strings.HasPrefix(s.rest, "#") {
		return s.hexValue(oid)
	}
	if strings.HasPrefix(s.rest, `"`) {
		return s.quotedValue(oid)
	}
	var value []byte
	end := 0 // length of value without unescaped white space at its end
	for s.rest != "" && s.rest[0] != s.separator && s.rest[0] != '+' {
		c := s.rest[0]
		if c == '\\' {
			if value, err = s.escape(value); err != nil {
				return attribute{}, err
			}
			end = len(value)
			continue
		}
		value = append(value, c)
		if strings.IndexByte(blanks, c) < 0 {
			end = len(value)
		}
		s.rest = s.rest[1:]
	}
	return text(oid, value[:end])
}

// escape reads a backslash with what it escapes and appends the octet.
func (s *scanner) escape(value []byte) ([]byte, error) {
	if len(s.rest) >= 3 {
		if octet, err := hex.DecodeString(s.rest[1:3]); err == nil {
			s.rest = s.rest[3:]
			return append(value, octet...), nil
		}
	}
	if len(s.rest) < 2 {
		return nil, errors.New("a backslash at the end escapes nothing")
	}
	value = append(value, s.rest[1])
	s.rest = s.rest[2:]
	return value, nil
}

// quotedValue reads a value in double quotes (RFC 2253, 4 kept them readable).
func (s *scanner) quotedValue(oid string) (attribute, error) {
	s.rest = s.rest[1:]
	var value []byte
	for {
		if s.rest == "" {
			return attribute{}, errors.New("a quoted value does not end")
		}
		switch s.rest[0] {
		case '"':
			s.rest = s.rest[1:]
			if err := s.atEnd(); err != nil {
				return attribute{}, err
			}
			return text(oid, value)
		case '\\':
			var err error
			if value, err = s.escape(value); err != nil {
				return attribute{}, err
			}
		default:
			value = append(value, s.rest[0])
			s.rest = s.rest[1:]
		}
	}
}

// hexValue reads "#" and the hexadecimal digits of a DER element.
func (s *scanner) hexValue(oid string) (attribute, error) {
	end := 1
	for end < len(s.rest) && isHexDigit(s.rest[end]) {
		end++
	}
	digits := s.rest[1:end]
	s.rest = s.rest[end:]
	if err := s.atEnd(); err != nil {
		return attribute{}, err
	}
	element, err := hex.DecodeString(digits)
	if err != nil {
		return attribute{}, fmt.Errorf("value #%.100s: an odd number of hexadecimal digits", digits)
	}
	var (
		content cryptobyte.String
		tag     cbasn1.Tag
	)
	input := cryptobyte.String(element)
	if !input.ReadAnyASN1(&content, &tag) || !input.Empty() {
		return attribute{}, fmt.Errorf("value #%.100s is not the DER encoding of one value", digits)
	}
	return attribute{oid: oid, value: string(element), opaque: true}, nil
}

// atEnd skips white space and demands that the attribute ends there.
func (s *scanner) atEnd() error {
	s.rest = strings.TrimLeft(s.rest, blanks)
	if s.rest == "" || s.rest[0] == s.separator || s.rest[0] == '+' {
		return nil
	}
	return fmt.Errorf("unexpected %.100q after a value", s.rest)
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// text makes an attribute of a value that was written as text.
func text(oid string, value []byte) (attribute, error) {
	if !utf8.Valid(value) {
		return attribute{}, fmt.Errorf("the value of %s is not UTF-8", typeByOID(oid))
	}
	return attribute{oid: oid, value: string(value)}, nil
}

// String returns the comma form in DER order: "C=CH, O=Example, CN=gw1". The
// empty name gives "".
func (n Name) String() string { return format(n.rdns, ", ", ",") }

// LDAP returns the string form of RFC 4514, which has the reverse order of the
// DER encoding: "CN=gw1,O=Example,C=CH".
func (n Name) LDAP() string {
	rdns := slices.Clone(n.rdns)
	slices.Reverse(rdns)
	return format(rdns, ",", ",")
}

// Slash returns the slash form in DER order, "/C=CH/O=Example/CN=gw1", which
// openssl -subj and the AIX tools use.
func (n Name) Slash() string {
	if n.IsEmpty() {
		return ""
	}
	return "/" + format(n.rdns, "/", "/")
}

// format joins the attributes; special are the characters that the form gives
// a meaning beyond those that all forms share.
func format(rdns []rdn, separator, special string) string {
	var b strings.Builder
	size := 0
	for _, set := range rdns {
		for _, a := range set {
			size += len(a.value) + len("CN=") + len(separator)
		}
	}
	b.Grow(size)
	for i, set := range rdns {
		if i > 0 {
			b.WriteString(separator)
		}
		for j, a := range set {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(typeByOID(a.oid).String())
			b.WriteByte('=')
			if a.opaque {
				b.WriteByte('#')
				b.WriteString(hex.EncodeToString([]byte(a.value)))
			} else {
				escapeValue(&b, a.value, special)
			}
		}
	}
	return b.String()
}

// escapeValue writes a value so that Parse reads the same one (RFC 4514, 2.4).
func escapeValue(b *strings.Builder, value, special string) {
	for i, r := range value {
		last := i+utf8.RuneLen(r) == len(value)
		switch {
		case r < ' ' || 0x7f <= r && r <= 0x9f || r == 0x2028 || r == 0x2029 || isBidi(r):
			// Control characters must not reach a terminal or a log.
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(b, `\%02X`, c)
			}
		case strings.ContainsRune(`\+"<>;`, r), strings.ContainsRune(special, r),
			r == '#' && i == 0, r == ' ' && (i == 0 || last):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
}

// isBidi reports whether r changes the direction of the text around it.
func isBidi(r rune) bool {
	return 0x200e <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}
