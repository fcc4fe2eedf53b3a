package crl

import (
	"bytes"
	"crypto/x509"
	"slices"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// A Scope is an issuing distribution point: it says which certificates, and
// which reasons, a list is about (RFC 5280, 5.2.5).
type Scope struct {
	// Point is the name that one of the certificate's distribution points
	// must have, too; nil where the list belongs to no point.
	Point *PointName
	// OnlyUserCerts and OnlyCACerts limit the list to one kind of certificate.
	OnlyUserCerts, OnlyCACerts bool
	// OnlySomeReasons: certificates revoked for other reasons are not listed.
	OnlySomeReasons bool
	// Indirect: the list speaks about certificates of other issuers, too.
	Indirect bool
	// OnlyAttributeCerts: the list is about attribute certificates.
	OnlyAttributeCerts bool
}

// A PointName is the name of a distribution point (RFC 5280, 4.2.1.13).
type PointName struct {
	// URIs are the places named by a URI.
	URIs []string
	// Names are directory names.
	Names []dn.Name
	// Relative: the name is relative to the issuer's. Such a name is not
	// processed; it matches nothing.
	Relative bool
}

// matches reports whether two points have a name in common (RFC 5280, 6.3.3
// (b)(2)(i)). URIs are compared byte by byte.
func (p *PointName) matches(other *PointName) bool {
	return slices.ContainsFunc(p.URIs, func(uri string) bool { return slices.Contains(other.URIs, uri) }) ||
		slices.ContainsFunc(p.Names, func(n dn.Name) bool { return slices.ContainsFunc(other.Names, n.Equal) })
}

// The context tags of IssuingDistributionPoint and DistributionPoint.
var (
	tag0Constructed = cbasn1.Tag(0).ContextSpecific().Constructed()
	tag1Constructed = cbasn1.Tag(1).ContextSpecific().Constructed()
	tag2Constructed = cbasn1.Tag(2).ContextSpecific().Constructed()
	tagDirectory    = cbasn1.Tag(4).ContextSpecific().Constructed()
)

// newScope shows an issuing distribution point.
func newScope(p *cert.IssuingDistributionPoint) (*Scope, error) {
	s := &Scope{
		OnlyUserCerts: p.OnlyUserCerts, OnlyCACerts: p.OnlyCACerts, OnlySomeReasons: p.SomeReasons,
		Indirect: p.Indirect, OnlyAttributeCerts: p.OnlyAttributeCerts,
	}
	var err error
	s.Point, err = newPointName(p.Name)
	return s, err
}

// newPointName shows the name of a distribution point; nil is none.
func newPointName(n *cert.PointName) (*PointName, error) {
	if n == nil {
		return nil, nil
	}
	p := &PointName{Relative: n.Relative != nil}
	for _, g := range n.Full {
		switch g.Kind {
		case cert.URIName:
			p.URIs = append(p.URIs, g.Text())
		case cert.DirectoryName:
			name, err := g.Directory()
			if err != nil {
				return nil, err
			}
			p.Names = append(p.Names, name)
		}
	}
	return p, nil
}

// A point is one distribution point of a certificate (RFC 5280, 4.2.1.13).
type point struct {
	name *PointName // nil where the point has none
	// partial: the lists at this point leave out some reasons.
	partial bool
	// foreign: the lists at this point are signed by someone else than the
	// certificate's issuer.
	foreign bool
}

// oidDistributionPoints is id-ce-cRLDistributionPoints.
const oidDistributionPoints = "2.5.29.31"

// maxPoints bounds the distribution points of one certificate.
const maxPoints = 64

// points reads the distribution points of a certificate. It reads them itself
// because crypto/x509 keeps the URIs alone, and not whose lists lie there.
func points(c *x509.Certificate) ([]point, error) {
	for _, extension := range c.Extensions {
		if extension.Id.String() == oidDistributionPoints {
			return parsePoints(extension.Value)
		}
	}
	return nil, nil
}

func parsePoints(value []byte) ([]point, error) {
	// An empty sequence is no name of a source, and not the same as none: RFC
	// 5280 has at least one point in it.
	read, err := cert.ParseCRLDistributionPoints(value)
	if err != nil {
		return nil, err
	}
	if len(read) > maxPoints {
		return nil, errMalformed("CRL distribution points")
	}
	all := make([]point, len(read))
	for i, p := range read {
		all[i].partial, all[i].foreign = p.Reasons&cert.AllReasons != cert.AllReasons, p.CRLIssuer != nil
		if all[i].name, err = newPointName(p.Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// covers tells why the list says nothing, or not everything, about a
// certificate whose distribution points are given: "" where it is complete for
// it. partial means that an entry counts although its absence does not.
func (l *List) covers(cert *x509.Certificate, at []point) (why string, partial bool) {
	if l.otherIssuers() && (l.Scope == nil || !l.Scope.Indirect) {
		return "names other issuers in its entries without being an indirect list", false
	}
	isCA := cert.BasicConstraintsValid && cert.IsCA
	if l.authority && !isCA {
		return "lies in the directory's authorityRevocationList, which is about CA certificates only", false
	}
	if s := l.Scope; s != nil {
		switch {
		case s.Indirect:
			return "is an indirect list", false
		case s.OnlyAttributeCerts:
			return "is about attribute certificates only", false
		// RFC 5280, 6.3.3 (b)(2)(ii) and (iii).
		case s.OnlyUserCerts && isCA:
			return "is about end-entity certificates only", false
		case s.OnlyCACerts && !isCA:
			return "is about CA certificates only", false
		case s.Point != nil && !slices.ContainsFunc(pointNames(cert, at), s.Point.matches):
			return "belongs to another distribution point", false
		case s.OnlySomeReasons:
			return "is about some reasons only", true
		}
	}
	if l.DeltaBase != nil {
		return "is a delta list, which completes another one", true
	}
	return "", false
}

// pointNames returns the names by which a list's point may be known. Without
// distribution points the issuer's own name is one (RFC 5280, 6.3.3).
func pointNames(cert *x509.Certificate, at []point) []*PointName {
	var names []*PointName
	for _, p := range at {
		if p.name != nil && !p.foreign && !p.partial {
			names = append(names, p.name)
		}
	}
	if issuer, err := dn.FromDER(cert.RawIssuer); err == nil && len(at) == 0 {
		names = append(names, &PointName{Names: []dn.Name{issuer}})
	}
	return names
}

// sameKey reports whether the list's authority key identifier may be that of
// the issuer's certificate: it is a hint, the signature decides.
func (l *List) sameKey(issuer *x509.Certificate) bool {
	return len(l.AuthorityKeyID) == 0 || len(issuer.SubjectKeyId) == 0 ||
		bytes.Equal(l.AuthorityKeyID, issuer.SubjectKeyId)
}
