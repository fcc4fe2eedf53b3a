package der

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// An OID is an object identifier: the content octets of its DER encoding, so
// that two are the same exactly when they are ==. The zero value is none.
type OID string

// MaxOID is the longest OID that is read, in octets.
const MaxOID = 128

// ReadOID reads an OBJECT IDENTIFIER.
func ReadOID(s *cryptobyte.String) (OID, bool) {
	content, ok := ReadRawOID(s)
	return OID(content), ok
}

// ReadRawOID is ReadOID without an allocation: content has the octets of an OID,
// and is a part of the input.
func ReadRawOID(s *cryptobyte.String) (content []byte, ok bool) {
	var id cryptobyte.String
	if !s.ReadASN1(&id, asn1.OBJECT_IDENTIFIER) || !validOID(id) {
		return nil, false
	}
	return id, true
}

// validOID reports whether content is the shortest form of whole components
// (X.690, 8.19.2).
func validOID(content []byte) bool {
	if len(content) == 0 || len(content) > MaxOID || content[len(content)-1]&0x80 != 0 {
		return false
	}
	for i, octet := range content {
		if octet == 0x80 && (i == 0 || content[i-1]&0x80 == 0) {
			return false
		}
	}
	return true
}

// String returns the OID with dots; components of any size are written out.
func (o OID) String() string {
	var b strings.Builder
	first := true
	for rest := []byte(o); len(rest) > 0; {
		size := 1
		for size < len(rest) && rest[size-1]&0x80 != 0 {
			size++
		}
		component := rest[:size]
		rest = rest[size:]
		if !first {
			b.WriteByte('.')
			writeComponent(&b, component, 0)
			continue
		}
		first = false
		// X.690, 8.19.4: the first two components share a number.
		switch head := component[0]; {
		case size > 1 || head >= 80:
			b.WriteString("2.")
			writeComponent(&b, component, 80)
		default:
			fmt.Fprintf(&b, "%d.%d", head/40, head%40)
		}
	}
	return b.String()
}

// writeComponent writes a base-128 number less a small one.
func writeComponent(b *strings.Builder, component []byte, less int64) {
	if len(component) <= 8 { // 56 bits
		var n int64
		for _, octet := range component {
			n = n<<7 | int64(octet&0x7f)
		}
		b.WriteString(strconv.FormatInt(n-less, 10))
		return
	}
	n := new(big.Int)
	for _, octet := range component {
		n.Or(n.Lsh(n, 7), big.NewInt(int64(octet&0x7f)))
	}
	b.WriteString(n.Sub(n, big.NewInt(less)).String())
}

// ParseOID reads an OID with dots, such as 2.5.29.15. A component has at most 19
// digits.
func ParseOID(text string) (OID, error) {
	parts := strings.Split(text, ".")
	var numbers []uint64
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 63)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return "", fmt.Errorf("OID %.100q: component %.40q is no number below 2^63", text, part)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 2 || numbers[0] > 2 || numbers[0] < 2 && numbers[1] >= 40 || numbers[1] > 1<<63-81 {
		return "", fmt.Errorf("OID %.100q: it begins with 0, 1 or 2 and a second component", text)
	}
	content := appendBase128(nil, 40*numbers[0]+numbers[1])
	for _, n := range numbers[2:] {
		content = appendBase128(content, n)
	}
	if len(content) > MaxOID {
		return "", fmt.Errorf("OID %.100q: %d octets, more than %d", text, len(content), MaxOID)
	}
	return OID(content), nil
}

func appendBase128(b []byte, n uint64) []byte {
	shift := 0
	for n>>shift >= 0x80 {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		b = append(b, byte(n>>shift)|0x80)
	}
	return append(b, byte(n)&0x7f)
}

// MarshalText writes the OID with dots.
func (o OID) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
