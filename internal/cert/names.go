package cert

import (
	"fmt"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/dn"
)

// MaxNames bounds the names, policies, points or purposes in one extension.
const MaxNames = 8192

// A NameKind says what a GeneralName is: its tag in RFC 5280, 4.2.1.6.
type NameKind uint8

// The kinds of names.
const (
	OtherName NameKind = iota
	RFC822Name
	DNSName
	X400Address
	DirectoryName
	EDIPartyName
	URIName
	IPAddress
	RegisteredID
)

var nameKindNames = [...]string{
	"otherName", "rfc822Name", "dNSName", "x400Address", "directoryName", "ediPartyName",
	"uniformResourceIdentifier", "iPAddress", "registeredID",
}

// String returns the word of RFC 5280.
func (k NameKind) String() string {
	if int(k) < len(nameKindNames) {
		return nameKindNames[k]
	}
	return fmt.Sprintf("name(%d)", int(k))
}

// A GeneralName is one name of a subject alternative name and the like.
type GeneralName struct {
	Kind NameKind
	// Value is the content of the name's element: text for e-mail addresses,
	// hosts and URIs, which need not be what it should be; 4 or 16 octets, or
	// twice as many in a name constraint, for an address; a whole Name for a
	// directory name; the content octets of an OID for a registered one.
	Value []byte
}

// Text returns the octets as they are.
func (n GeneralName) Text() string { return string(n.Value) }

// Directory reads a directory name.
func (n GeneralName) Directory() (dn.Name, error) {
	if n.Kind != DirectoryName {
		return dn.Name{}, fmt.Errorf("%s is no directory name", n.Kind)
	}
	return dn.FromDER(n.Value)
}

// Address reads an IP address, false where the name is none.
func (n GeneralName) Address() (netip.Addr, bool) {
	if n.Kind != IPAddress {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(n.Value)
}

// constructed are the kinds whose elements hold others; a directory name is a
// CHOICE, and so wrapped.
func (k NameKind) constructed() bool {
	return k == OtherName || k == X400Address || k == DirectoryName || k == EDIPartyName
}

// readGeneralName reads one GeneralName.
func readGeneralName(s *cryptobyte.String) (GeneralName, bool) {
	var (
		content cryptobyte.String
		tag     cbasn1.Tag
	)
	if !s.ReadAnyASN1(&content, &tag) {
		return GeneralName{}, false
	}
	for kind := range NameKind(len(nameKindNames)) {
		want := cbasn1.Tag(kind).ContextSpecific()
		if kind.constructed() {
			want = want.Constructed()
		}
		if tag == want {
			return GeneralName{Kind: kind, Value: content}, true
		}
	}
	return GeneralName{}, false
}

// readGeneralNames reads the content of GeneralNames, of which there is at least
// one.
func readGeneralNames(content cryptobyte.String) ([]GeneralName, error) {
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, fmt.Errorf("%w: 1 to %d are allowed", errMalformed("names"), MaxNames)
	}
	names := make([]GeneralName, n)
	for i := range names {
		if names[i], ok = readGeneralName(&content); !ok {
			return nil, fmt.Errorf("name %d: %w", i+1, errMalformed("element"))
		}
	}
	return names, nil
}

// ParseGeneralNames reads the value of a subject or issuer alternative name
// extension (RFC 5280, 4.2.1.6, 4.2.1.7), and that of a certificate issuer
// extension of a list's entry (5.3.3).
func ParseGeneralNames(value []byte) ([]GeneralName, error) {
	content, err := readSequence(value, "names")
	if err != nil {
		return nil, err
	}
	return readGeneralNames(content)
}

// A Subtree is one constraint on names.
type Subtree struct {
	Base GeneralName
	// Bounded says that minimum or maximum stand there, which RFC 5280,
	// 4.2.1.10, does not use.
	Bounded bool
}

// NameConstraints say which names may stand in certificates below (RFC 5280,
// 4.2.1.10).
type NameConstraints struct {
	Permitted, Excluded []Subtree
}

// ParseNameConstraints reads the value of a name constraints extension.
func ParseNameConstraints(value []byte) (NameConstraints, error) {
	var c NameConstraints
	content, err := readSequence(value, "name constraints")
	if err != nil {
		return c, err
	}
	if content.Empty() {
		// RFC 5280, 4.2.1.10: one of the two must be there.
		return c, errMalformed("name constraints")
	}
	for _, part := range []struct {
		out *[]Subtree
		tag cbasn1.Tag
	}{{&c.Permitted, tag0Constructed}, {&c.Excluded, tag1Constructed}} {
		if !content.PeekASN1Tag(part.tag) {
			continue
		}
		var subtrees cryptobyte.String
		if !content.ReadASN1(&subtrees, part.tag) {
			return c, errMalformed("name constraints")
		}
		if *part.out, err = readSubtrees(subtrees); err != nil {
			return c, err
		}
	}
	if !content.Empty() {
		return c, errMalformed("name constraints")
	}
	return c, nil
}

// readSubtrees reads the content of GeneralSubtrees.
func readSubtrees(content cryptobyte.String) ([]Subtree, error) {
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("name constraints")
	}
	all := make([]Subtree, n)
	for i := range all {
		var subtree, minimum cryptobyte.String
		if !content.ReadASN1(&subtree, cbasn1.SEQUENCE) {
			return nil, errMalformed("name constraints")
		}
		if all[i].Base, ok = readGeneralName(&subtree); !ok {
			return nil, errMalformed("name constraints")
		}
		if subtree.PeekASN1Tag(tag0) {
			if !subtree.ReadASN1(&minimum, tag0) {
				return nil, errMalformed("name constraints")
			}
			all[i].Bounded = len(minimum) != 1 || minimum[0] != 0
		}
		if subtree.PeekASN1Tag(tag1) {
			all[i].Bounded = subtree.SkipASN1(tag1)
		}
		if !subtree.Empty() {
			return nil, errMalformed("name constraints")
		}
	}
	return all, nil
}
