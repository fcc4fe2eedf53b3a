package dn

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
)

// A Name is a distinguished name. It is immutable; the zero value is the empty
// name, which a certificate with a subjectAltName may carry (RFC 5280, 4.1.2.6).
type Name struct {
	der  string
	rdns []rdn
}

// An rdn is a relative distinguished name: one attribute, rarely more.
type rdn []attribute

// An attribute is a type and a value as they stand in the encoding.
type attribute struct {
	oid   string // dotted decimal
	value string // the decoded text; the whole DER element where opaque
	tag   uint8  // ASN.1 tag of the value
	// opaque marks a value that is no string, or one whose octets do not
	// fit its string type.
	opaque bool
}

// emptyDER is the encoding of the empty name.
const emptyDER = "\x30\x00"

// DER returns a copy of the exact encoding.
func (n Name) DER() []byte {
	if n.der == "" {
		return []byte(emptyDER)
	}
	return []byte(n.der)
}

// IsEmpty reports whether the name has no attribute at all.
func (n Name) IsEmpty() bool { return len(n.rdns) == 0 }

// CommonName returns the last CN of the name, which is the most specific one,
// or "" where there is none.
func (n Name) CommonName() string { return n.last(oidCommonName) }

// Short returns what the owner may be called in one word: the CommonName, or else
// the last OU, or else the last O, as old CAs have it; "" where there is none.
func (n Name) Short() string {
	for _, oid := range []string{oidCommonName, oidUnit, oidOrganization} {
		if value := n.last(oid); value != "" {
			return value
		}
	}
	return ""
}

// last returns the last value of a type of attribute.
func (n Name) last(oid string) string {
	for _, set := range slices.Backward(n.rdns) {
		for _, a := range set {
			if a.oid == oid && !a.opaque {
				return a.value
			}
		}
	}
	return ""
}

// Values returns the values of an attribute type, a dotted OID, in the order of
// the encoding. A value that is no text is "".
func (n Name) Values(oid string) []string {
	var values []string
	for _, set := range n.rdns {
		for _, a := range set {
			switch {
			case a.oid != oid:
			case a.opaque:
				values = append(values, "")
			default:
				values = append(values, a.value)
			}
		}
	}
	return values
}

// HasPrefix reports whether the name lies in the subtree of another: whether it
// is that name, or begins with it (RFC 5280, 4.2.1.10, 7.1). Every name begins
// with the empty one.
func (n Name) HasPrefix(other Name) bool {
	// Every RDN of a key is counted, so that no part of one can pass for a whole.
	return strings.HasPrefix(n.Key(), other.Key())
}

// Equal reports whether two names are the same name (RFC 5280, 7.1): the same
// attributes in the same order, compared without regard to string type, case,
// and the amount of white space.
func (n Name) Equal(other Name) bool { return n.Key() == other.Key() }

// Key returns a string that two names share exactly when they are Equal. It is
// meant for maps, not for eyes.
func (n Name) Key() string {
	var key []byte
	for _, set := range n.rdns {
		// An RDN is a set: the order of its attributes says nothing.
		parts := make([]string, 0, len(set))
		for _, a := range set {
			parts = append(parts, a.key())
		}
		slices.Sort(parts)
		key = binary.AppendUvarint(key, uint64(len(parts)))
		for _, part := range parts {
			key = appendCounted(key, part)
		}
	}
	return string(key)
}

// key returns the attribute in canonical form. Every part is counted, so that
// no value can pass for another attribute.
func (a attribute) key() string {
	key := appendCounted(nil, a.oid)
	if a.opaque {
		return string(append(append(key, '#'), a.value...))
	}
	return string(append(append(key, '='), fold(a.value)...))
}

func appendCounted(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// fold removes what RFC 5280, 7.1 calls insignificant: case, white space at the
// ends, and more than one white space character within.
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(foldRune(r))
	}
	return b.String()
}

// foldRune returns the smallest rune that differs from r by case only.
func foldRune(r rune) rune {
	if r < unicode.MaxASCII {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}
	least := r
	// The orbit of SimpleFold is a ring of at most four runes.
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// compareEncodings orders the elements of a DER SET OF (X.690, 11.6).
func compareEncodings(a, b []byte) int { return cmp.Compare(string(a), string(b)) }
