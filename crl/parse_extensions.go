package crl

import (
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"keyman/internal/cert"
	"keyman/internal/der"
)

const (
	// maxExtensions bounds the extensions of a list; in practice there are four.
	maxExtensions = 64
	// maxNumber bounds a CRL number, in octets (RFC 5280, 5.2.3).
	maxNumber = 20
)

// addUnknownCritical notes an OID once, and no more than maxExtensions of them.
func (l *List) addUnknownCritical(oid string) {
	if len(l.UnknownCritical) < maxExtensions && !slices.Contains(l.UnknownCritical, oid) {
		l.UnknownCritical = append(l.UnknownCritical, oid)
	}
}

// The extensions of lists that this package processes, as DER content octets.
const (
	oidCRLNumber      = "\x55\x1d\x14" // 2.5.29.20
	oidDeltaIndicator = "\x55\x1d\x1b" // 2.5.29.27
	oidScope          = "\x55\x1d\x1c" // 2.5.29.28
	oidAuthorityKeyID = "\x55\x1d\x23" // 2.5.29.35

	oidScopeText = "2.5.29.28"
)

// parseExtensions reads the list's extensions (RFC 5280, 5.2).
func (l *List) parseExtensions(extensions cryptobyte.String) error {
	for !extensions.Empty() {
		oid, critical, value, ok := der.ReadRawExtension(&extensions)
		if !ok {
			return errMalformed("extension")
		}
		name := der.OID(oid).String()
		switch {
		case len(l.Extensions) == maxExtensions:
			return fmt.Errorf("more than %d extensions", maxExtensions)
		case slices.ContainsFunc(l.Extensions, func(e Extension) bool { return e.OID == name }):
			// RFC 5280, 4.2: one instance of each.
			return fmt.Errorf("extension %s is there twice", name)
		}
		l.Extensions = append(l.Extensions, Extension{OID: name, Critical: critical, Value: value})
		var err error
		switch string(oid) {
		case oidCRLNumber:
			l.Number, err = parseNumber(value)
		case oidDeltaIndicator:
			l.DeltaBase, err = parseNumber(value)
		case oidScope:
			if l.point, err = cert.ParseIssuingDistributionPoint(value); err == nil {
				l.Scope, err = newScope(l.point)
			}
		case oidAuthorityKeyID:
			var id cert.AuthorityKeyID
			id, err = cert.ParseAuthorityKeyID(value)
			l.AuthorityKeyID = id.KeyID
		default:
			if critical {
				l.addUnknownCritical(name)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseNumber reads a CRLNumber (RFC 5280, 5.2.3).
func parseNumber(value cryptobyte.String) (*big.Int, error) {
	if len(value) > maxNumber+3 {
		return nil, errMalformed("CRL number")
	}
	n := new(big.Int)
	if !value.ReadASN1Integer(n) || !value.Empty() || n.Sign() < 0 || n.BitLen() > 8*maxNumber {
		return nil, errMalformed("CRL number")
	}
	return n, nil
}
