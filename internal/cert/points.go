package cert

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/dn"
)

// Reasons is a set of reasons for revocation: ReasonFlags of RFC 5280, 4.2.1.13,
// with bit n of the standard as 1<<n.
type Reasons uint16

// AllReasons are those that a list can have as its scope. Bit 0 is not used.
const AllReasons Reasons = 0x1fe

// A PointName is the name of a distribution point (RFC 5280, 4.2.1.13): either
// full names, or one that is relative to an issuer's name.
type PointName struct {
	Full []GeneralName
	// Relative is the content of a RelativeDistinguishedName: see
	// RelativeTo.
	Relative []byte
}

// ErrNoRelativeName is in the error of RelativeTo for a name that is full.
var ErrNoRelativeName = errors.New("the name is not relative")

// RelativeTo returns the directory name that a relative one is below an issuer's
// name, given as DER.
func (p *PointName) RelativeTo(issuer []byte) (dn.Name, error) {
	if p.Relative == nil {
		return dn.Name{}, ErrNoRelativeName
	}
	var rdns cryptobyte.String
	input := cryptobyte.String(issuer)
	if !input.ReadASN1(&rdns, cbasn1.SEQUENCE) || !input.Empty() {
		return dn.Name{}, errMalformed("issuer's name")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(rdns)
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(p.Relative) })
	})
	whole, err := b.Bytes()
	if err != nil {
		return dn.Name{}, fmt.Errorf("relative name: %w", err)
	}
	return dn.FromDER(whole)
}

// readPointName reads [0] DistributionPointName.
func readPointName(s *cryptobyte.String) (*PointName, error) {
	var choice, content cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadASN1(&choice, tag0Constructed) || !choice.ReadAnyASN1(&content, &tag) || !choice.Empty() {
		return nil, errMalformed("distribution point name")
	}
	switch tag {
	case tag0Constructed:
		names, err := readGeneralNames(content)
		if err != nil {
			return nil, fmt.Errorf("distribution point name: %w", err)
		}
		return &PointName{Full: names}, nil
	case tag1Constructed:
		if content.Empty() {
			return nil, errMalformed("distribution point name")
		}
		return &PointName{Relative: content}, nil
	default:
		return nil, errMalformed("distribution point name")
	}
}

// readReasons reads ReasonFlags with a tag of its own.
func readReasons(s *cryptobyte.String, tag cbasn1.Tag) (Reasons, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, tag) {
		return 0, false
	}
	bits, ok := der.ReadBits(content)
	return Reasons(bits), ok
}

// A DistributionPoint is a place where lists about a certificate are found (RFC
// 5280, 4.2.1.13).
type DistributionPoint struct {
	// Name is nil where the point has none.
	Name *PointName
	// Reasons are those that the lists there are about; AllReasons where the
	// point does not say.
	Reasons Reasons
	// CRLIssuer signs the lists there; empty is the certificate's issuer.
	CRLIssuer []GeneralName
}

// ParseCRLDistributionPoints reads the value of a CRL distribution points
// extension, and that of a freshest CRL extension, which has the same form.
func ParseCRLDistributionPoints(value []byte) ([]DistributionPoint, error) {
	content, err := readSequence(value, "CRL distribution points")
	if err != nil {
		return nil, err
	}
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("CRL distribution points")
	}
	all := make([]DistributionPoint, n)
	for i := range all {
		var point cryptobyte.String
		if !content.ReadASN1(&point, cbasn1.SEQUENCE) {
			return nil, errMalformed("CRL distribution points")
		}
		if err := all[i].read(point); err != nil {
			return nil, fmt.Errorf("distribution point %d: %w", i+1, err)
		}
	}
	return all, nil
}

func (p *DistributionPoint) read(content cryptobyte.String) (err error) {
	p.Reasons = AllReasons
	if content.PeekASN1Tag(tag0Constructed) {
		if p.Name, err = readPointName(&content); err != nil {
			return err
		}
	}
	if content.PeekASN1Tag(tag1) {
		var ok bool
		if p.Reasons, ok = readReasons(&content, tag1); !ok {
			return errMalformed("reasons")
		}
	}
	if content.PeekASN1Tag(tag2Constructed) {
		var names cryptobyte.String
		if !content.ReadASN1(&names, tag2Constructed) {
			return errMalformed("cRLIssuer")
		}
		if p.CRLIssuer, err = readGeneralNames(names); err != nil {
			return fmt.Errorf("cRLIssuer: %w", err)
		}
	}
	// RFC 5280, 4.2.1.13: a point does not consist of reasons alone.
	if !content.Empty() || p.Name == nil && p.CRLIssuer == nil {
		return errMalformed("element")
	}
	return nil
}

// An IssuingDistributionPoint says which certificates, and which reasons, a list
// is about (RFC 5280, 5.2.5).
type IssuingDistributionPoint struct {
	// Name is nil where the list belongs to no point.
	Name *PointName
	// OnlyUserCerts, OnlyCACerts and OnlyAttributeCerts limit the list to one
	// kind of certificate.
	OnlyUserCerts, OnlyCACerts, OnlyAttributeCerts bool
	// Reasons are those that the list is about; AllReasons where it does not
	// say, which SomeReasons tells.
	Reasons     Reasons
	SomeReasons bool
	// Indirect: the list speaks about certificates of other issuers, too.
	Indirect bool
}

// ParseIssuingDistributionPoint reads the value of an issuing distribution point
// extension.
func ParseIssuingDistributionPoint(value []byte) (*IssuingDistributionPoint, error) {
	content, err := readSequence(value, "issuing distribution point")
	if err != nil {
		return nil, err
	}
	p := &IssuingDistributionPoint{Reasons: AllReasons}
	if content.PeekASN1Tag(tag0Constructed) {
		if p.Name, err = readPointName(&content); err != nil {
			return nil, err
		}
	}
	flag := func(tag cbasn1.Tag, out *bool) bool {
		return !content.PeekASN1Tag(tag) || der.ReadBool(&content, tag, out)
	}
	ok := flag(tag1, &p.OnlyUserCerts) && flag(tag2, &p.OnlyCACerts)
	if p.SomeReasons = content.PeekASN1Tag(tag3); ok && p.SomeReasons {
		p.Reasons, ok = readReasons(&content, tag3)
	}
	if !ok || !flag(tag4, &p.Indirect) || !flag(tag5, &p.OnlyAttributeCerts) || !content.Empty() {
		return nil, errMalformed("issuing distribution point")
	}
	return p, nil
}
