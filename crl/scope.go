package crl

import (
	"bytes"
	"crypto/x509"

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

// maxPoints bounds the distribution points of one certificate.
const maxPoints = 64

// pointsOf reads the distribution points of a certificate.
func pointsOf(c *cert.Certificate) ([]cert.DistributionPoint, error) {
	e, ok := c.Extension(cert.OIDCRLPoints)
	if !ok {
		return nil, nil
	}
	return parsePoints(e.Value)
}

func parsePoints(value []byte) ([]cert.DistributionPoint, error) {
	// An empty sequence is no name of a source, and not the same as none: RFC
	// 5280 has at least one point in it.
	all, err := cert.ParseCRLDistributionPoints(value)
	if err != nil {
		return nil, err
	}
	if len(all) > maxPoints {
		return nil, errMalformed("CRL distribution points")
	}
	return all, nil
}

// sameKey reports whether the list's authority key identifier may be that of
// the issuer's certificate: it is a hint, the signature decides.
func (l *List) sameKey(issuer *x509.Certificate) bool {
	return len(l.AuthorityKeyID) == 0 || len(issuer.SubjectKeyId) == 0 ||
		bytes.Equal(l.AuthorityKeyID, issuer.SubjectKeyId)
}
