package crl

import (
	"bytes"
	"slices"
	"strings"

	"keyman/internal/cert"
)

// outside returns why a certificate does not lie in the scope of a list that is
// found at a point (RFC 5280, 6.3.3 (b)).
func (c *listCheck) outside(l *List, p cert.DistributionPoint) fault {
	// (b)(1)
	if len(p.CRLIssuer) > 0 {
		if l.point == nil || !l.point.Indirect {
			return fault{CodeCRLScope, "is no indirect list, and the certificate names another issuer of lists"}
		}
		if !slices.ContainsFunc(p.CRLIssuer, func(g cert.GeneralName) bool {
			return g.Kind == cert.DirectoryName && cert.NameKey(g.Value) == l.issuerKey
		}) {
			return fault{CodeCRLIssuer, "has another issuer than the certificate names"}
		}
	} else if l.issuerKey != c.target.IssuerKey {
		return fault{CodeCRLIssuer, "has another issuer than the certificate"}
	}
	if l.authority && !c.isCA {
		return fault{CodeCRLScope, "lies in the directory's authorityRevocationList, which is about CA certificates only"}
	}
	switch s := l.point; {
	case s == nil:
		return fault{}
	// (b)(2)(ii), (iii) and (iv)
	case s.OnlyUserCerts && c.isCA:
		return fault{CodeCRLScope, "is about end-entity certificates only"}
	case s.OnlyCACerts && !c.isCA:
		return fault{CodeCRLScope, "is about CA certificates only"}
	case s.OnlyAttributeCerts:
		return fault{CodeCRLScope, "is about attribute certificates only"}
	case s.Name != nil && !samePoint(l, p, c.target.RawIssuer):
		return fault{CodeCRLScope, "belongs to another distribution point"}
	}
	return fault{}
}

// samePoint reports whether a list's point and a certificate's have a name in
// common (RFC 5280, 6.3.3 (b)(2)(i)). issuer is the certificate's.
func samePoint(l *List, p cert.DistributionPoint, issuer []byte) bool {
	own, err := fullNames(l.point.Name, l.Issuer.DER())
	if err != nil {
		return false
	}
	names := p.CRLIssuer
	if p.Name != nil {
		if len(p.CRLIssuer) > 0 {
			issuer = l.Issuer.DER() // (b)(1) found it among them
		}
		if names, err = fullNames(p.Name, issuer); err != nil {
			return false
		}
	}
	return slices.ContainsFunc(own, func(a cert.GeneralName) bool {
		return slices.ContainsFunc(names, func(b cert.GeneralName) bool { return sameName(a, b) })
	})
}

// fullNames returns the names of a point; a relative one is completed by a name.
// nil has none.
func fullNames(p *cert.PointName, issuer []byte) ([]cert.GeneralName, error) {
	if p == nil || p.Relative == nil {
		if p == nil {
			return nil, nil
		}
		return p.Full, nil
	}
	name, err := p.RelativeTo(issuer)
	if err != nil {
		return nil, err
	}
	return []cert.GeneralName{{Kind: cert.DirectoryName, Value: name.DER()}}, nil
}

// sameName compares general names (RFC 5280, 7): hosts without regard to case,
// URIs and all others by their octets.
func sameName(a, b cert.GeneralName) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == cert.DirectoryName:
		return cert.NameKey(a.Value) == cert.NameKey(b.Value)
	case a.Kind == cert.DNSName:
		return strings.EqualFold(a.Text(), b.Text())
	default:
		return bytes.Equal(a.Value, b.Value)
	}
}
