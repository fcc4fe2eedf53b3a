package suite

import (
	"crypto/ecdh"
	"fmt"
	"strings"
)

// Group is a Diffie-Hellman group by its number in IKE (RFC 2409, 6; RFC 3526;
// RFC 5903).
type Group uint16

// The groups. The number in a name is the size of the prime in bits.
const (
	MODP768  Group = 1
	MODP1024 Group = 2
	MODP1536 Group = 5
	MODP2048 Group = 14
	MODP3072 Group = 15
	MODP4096 Group = 16
	MODP6144 Group = 17
	MODP8192 Group = 18
	ECP256   Group = 19
	ECP384   Group = 20
	ECP521   Group = 21
)

// groups lists the known groups in the order of help texts.
var groups = [...]Group{
	MODP768, MODP1024, MODP1536, MODP2048, MODP3072, MODP4096, MODP6144, MODP8192,
	ECP256, ECP384, ECP521,
}

// Known reports whether g is one of the constants.
func (g Group) Known() bool { return g.modp().prime != "" || g.curve() != nil }

// curve gives the curve of an ECP group, nil for others (RFC 5903, 3).
func (g Group) curve() ecdh.Curve {
	switch g {
	case ECP256:
		return ecdh.P256()
	case ECP384:
		return ecdh.P384()
	case ECP521:
		return ecdh.P521()
	default:
		return nil
	}
}

// curveField gives the size of a coordinate of an ECP group in bytes, 0 for
// others. The order of the curve has the same size.
func (g Group) curveField() int {
	switch g {
	case ECP256:
		return 32
	case ECP384:
		return 48
	case ECP521:
		return 66
	default:
		return 0
	}
}

// PublicSize gives the length of a public value in bytes: the prime's, or two
// coordinates'. It is 0 where the group is not known.
func (g Group) PublicSize() int {
	if n := g.curveField(); n != 0 {
		return 2 * n
	}
	return len(g.modp().prime) / 2
}

// Strength estimates the group in bits of a symmetric key, at the low end of
// what is thought of it (RFC 3526, 8; for group 1, which it leaves out, the
// estimate goes on below it). It is 0 where the group is not known.
func (g Group) Strength() int {
	switch g {
	case ECP256:
		return 128
	case ECP384:
		return 192
	case ECP521:
		return 256
	default:
		return g.modp().strength
	}
}

// Weak gives the words for a group that policy must allow by name, "" for a
// strong one. What is not known counts as weak.
func (g Group) Weak() string {
	switch {
	case g == MODP768, g == MODP1024, g == MODP1536:
		return fmt.Sprintf("DH group %d (%s)", uint16(g), g)
	case !g.Known():
		return "DH " + g.String()
	}
	return ""
}

// ParseGroup reads the word of a group, such as "modp2048". An error lists those
// that there are.
func ParseGroup(word string) (Group, error) {
	known := make([]string, 0, len(groups))
	for _, g := range groups {
		if g.String() == word {
			return g, nil
		}
		known = append(known, g.String())
	}
	return 0, fmt.Errorf("unknown Diffie-Hellman group %q; known are %s", word, strings.Join(known, ", "))
}

// String gives the word of transforms, such as "modp2048".
func (g Group) String() string {
	switch g {
	case MODP768:
		return "modp768"
	case MODP1024:
		return "modp1024"
	case MODP1536:
		return "modp1536"
	case MODP2048:
		return "modp2048"
	case MODP3072:
		return "modp3072"
	case MODP4096:
		return "modp4096"
	case MODP6144:
		return "modp6144"
	case MODP8192:
		return "modp8192"
	case ECP256:
		return "ecp256"
	case ECP384:
		return "ecp384"
	case ECP521:
		return "ecp521"
	}
	return fmt.Sprintf("group %d", uint16(g))
}
