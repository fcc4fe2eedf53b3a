package crl

import (
	"context"
	"fmt"
	"slices"

	"keyman/internal/cert"
)

// delta returns the newest delta list that completes a list and is usable, nil
// where there is none (RFC 5280, 5.2.4, 6.3.3 (c) and (h)).
func (c *listCheck) delta(l *List, others []*List, key cert.PublicKey) *List {
	var newest *List
	for _, d := range others {
		if d == nil || d.DeltaBase == nil || d == newest {
			continue
		}
		why := completes(d, l)
		if why == (fault{}) {
			why = c.unusable(d)
		}
		if why == (fault{}) {
			why = c.outdated(d)
		}
		if why == (fault{}) {
			// (h): by the same key.
			if err := c.checker.verified.check(d, key, c.query.Options.Strength); err != nil {
				why = fault{CodeCRLSignature, err.Error()}
			}
		}
		switch {
		case why.code == CodeCRLSignature, why != (fault{}) && l.newer(d):
			c.note(d, why)
		case why != (fault{}):
			c.refuse(d, why)
		case newest == nil || d.newer(newest):
			newest = d
		}
	}
	return newest
}

// freshest returns the lists at the places that the certificate, or a complete
// list, names for delta lists.
func (c *listCheck) freshest(ctx context.Context, l *List) []*List {
	var values [][]byte
	if e, ok := c.target.Extension(cert.OIDFreshestCRL); ok {
		values = append(values, e.Value)
	}
	if value := l.extension(cert.OIDFreshestCRL.String()); value != nil {
		values = append(values, value)
	}
	var lists []*List
	for _, value := range values {
		points, err := cert.ParseCRLDistributionPoints(value)
		if err != nil || len(points) > maxPoints {
			c.answer.Errors = append(c.answer.Errors, errMalformed("freshest CRL"))
			continue
		}
		for _, p := range points {
			at := ListPlace{Certificate: c.target, Issuer: l.Issuer.DER(), Names: c.fullNames(p.Name, l.Issuer.DER()), Delta: true}
			found, err := c.checker.source.ListsAt(ctx, at)
			if err != nil {
				c.answer.Errors = append(c.answer.Errors, err)
			}
			lists = append(lists, found[:min(len(found), MaxListsAtPlace)]...)
		}
	}
	return lists
}

// completes returns why a delta list does not complete a complete one.
func completes(d, l *List) fault {
	switch {
	case d.issuerKey != l.issuerKey:
		return fault{CodeCRLIssuer, "is another issuer's"}
	case !slices.Equal(d.extension(oidScopeText), l.extension(oidScopeText)):
		return fault{CodeCRLScope, "has another scope than the list that it would complete"}
	case !slices.Equal(d.AuthorityKeyID, l.AuthorityKeyID):
		return fault{CodeCRLScope, "is made with another key than the list that it would complete"}
	case l.Number == nil || d.Number == nil:
		return fault{CodeCRLScope, "cannot be combined: one of the two lists has no number"}
	case l.Number.Cmp(d.DeltaBase) < 0:
		return fault{CodeCRLScope, fmt.Sprintf("completes list %s and later ones, and not %s", d.DeltaBase, l.Number)}
	case l.Number.Cmp(d.Number) >= 0:
		return fault{CodeCRLScope, "is no newer than the complete list"}
	}
	return fault{}
}

// extension returns the value of one of the list's extensions, nil for none.
func (l *List) extension(oid string) []byte {
	for _, e := range l.Extensions {
		if e.OID == oid {
			return e.Value
		}
	}
	return nil
}
