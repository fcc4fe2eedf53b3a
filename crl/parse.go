package crl

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/dn"
)

// errMalformed is the error for a part of a list or certificate that is not as
// RFC 5280 has it.
type errMalformed string

func (e errMalformed) Error() string { return "malformed " + string(e) }

// Limits bounds what is read. The zero value means the defaults.
type Limits struct {
	// MaxBytes is the size of a list, in bytes of its DER or PEM form; zero
	// is DefaultMaxBytes, and no more than MaxMaxBytes is allowed.
	MaxBytes int64
}

const (
	// DefaultMaxBytes is the largest list that is read where no other limit
	// is set. The largest public lists have some 35 MB.
	DefaultMaxBytes = 64 << 20
	// MaxMaxBytes is the largest limit that can be set.
	MaxMaxBytes = 1 << 30

	// maxExtensions bounds the extensions of a list; in practice there are four.
	maxExtensions = 64
	// maxNumber bounds a CRL number, in octets (RFC 5280, 5.2.3).
	maxNumber = 20
)

// bytes returns the limit in force.
func (l Limits) bytes() int64 {
	if l.MaxBytes <= 0 {
		return DefaultMaxBytes
	}
	return min(l.MaxBytes, MaxMaxBytes)
}

// ErrTooLarge is in the error for a list that is larger than the limit.
var ErrTooLarge = errors.New("larger than the limit")

// pemType is the label of a list in PEM (RFC 7468, 6).
const pemType = "X509 CRL"

// Parse reads one list, DER or PEM, to the end of r. It accepts versions 1 and
// 2. It checks the form and nothing else: not the signature, not the dates, not
// whether the list may be used; Checker does that.
func Parse(r io.Reader, limits Limits) (*List, error) {
	limit := limits.bytes()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	return parseData(data, limits)
}

// parseData reads one list like Parse, from memory that it keeps.
func parseData(data []byte, limits Limits) (*List, error) {
	if limit := limits.bytes(); int64(len(data)) > limit {
		return nil, fmt.Errorf("revocation list: %w of %d bytes", ErrTooLarge, limit)
	}
	if text := bytes.TrimLeft(data, "\ufeff \t\r\n"); bytes.HasPrefix(text, []byte("-----BEGIN")) {
		block, _ := pem.Decode(text)
		if block == nil || block.Type != pemType {
			return nil, fmt.Errorf("revocation list: the PEM block is not a whole %q", pemType)
		}
		data = block.Bytes
	}
	l, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	return l, nil
}

// parse reads a CertificateList (RFC 5280, 5.1).
func parse(der []byte) (*List, error) {
	l := &List{Version: 1, raw: der}
	input := cryptobyte.String(der)
	var (
		list, tbsElement, algorithm cryptobyte.String
		signature                   asn1.BitString
	)
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, errMalformed("CertificateList: no DER, no PEM, or cut short")
	}
	if !input.Empty() {
		return nil, errMalformed("CertificateList: data behind its end")
	}
	if !list.ReadASN1Element(&tbsElement, cbasn1.SEQUENCE) ||
		!list.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!list.ReadASN1BitString(&signature) || !list.Empty() {
		return nil, errMalformed("CertificateList")
	}
	l.tbs, l.algorithm, l.signature = tbsElement, algorithm, signature.RightAlign()
	l.SignatureAlgorithm = algorithmName(algorithm)
	if err := l.parseTBS(tbsElement); err != nil {
		return nil, err
	}
	return l, nil
}

// parseTBS reads a TBSCertList (RFC 5280, 5.1.2).
func (l *List) parseTBS(element cryptobyte.String) error {
	var tbs, algorithm, issuer cryptobyte.String
	if !element.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return errMalformed("TBSCertList")
	}
	if tbs.PeekASN1Tag(cbasn1.INTEGER) {
		var version int
		if !tbs.ReadASN1Integer(&version) || version != 1 {
			return errMalformed("version: there are version 1 and version 2")
		}
		l.Version = 2
	}
	// RFC 5280, 5.1.1.2.
	if !tbs.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !bytes.Equal(algorithm, l.algorithm) {
		return errMalformed("signature algorithm: the one inside and the one outside differ")
	}
	if !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) {
		return errMalformed("issuer")
	}
	var err error
	if l.Issuer, err = dn.FromDER(issuer); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	l.issuerKey = cert.NameKey(issuer)
	var ok bool
	if l.ThisUpdate, ok = der.ReadTime(&tbs); !ok {
		return errMalformed("thisUpdate")
	}
	if tbs.PeekASN1Tag(cbasn1.UTCTime) || tbs.PeekASN1Tag(cbasn1.GeneralizedTime) {
		if l.NextUpdate, ok = der.ReadTime(&tbs); !ok {
			return errMalformed("nextUpdate")
		}
	}
	if tbs.PeekASN1Tag(cbasn1.SEQUENCE) {
		var entries cryptobyte.String
		if !tbs.ReadASN1(&entries, cbasn1.SEQUENCE) {
			return errMalformed("revokedCertificates")
		}
		if err := l.parseEntries(entries); err != nil {
			return err
		}
	}
	if !tbs.Empty() {
		var explicit, extensions cryptobyte.String
		if l.Version < 2 || !tbs.ReadASN1(&explicit, tag0Constructed) || !tbs.Empty() ||
			!explicit.ReadASN1(&extensions, cbasn1.SEQUENCE) || !explicit.Empty() || extensions.Empty() {
			return errMalformed("extensions")
		}
		return l.parseExtensions(extensions)
	}
	return nil
}

// parseEntries reads every entry once and builds the index.
func (l *List) parseEntries(entries cryptobyte.String) error {
	l.entries = entries
	for rest := entries; !rest.Empty(); {
		at := len(entries) - len(rest)
		var content cryptobyte.String
		if !rest.ReadASN1(&content, cbasn1.SEQUENCE) {
			return fmt.Errorf("entry %d: %w", len(l.index)+1, errMalformed("element"))
		}
		_, notes, err := parseEntry(content, l.Version)
		if err != nil {
			return fmt.Errorf("entry %d: %w", len(l.index)+1, err)
		}
		if notes.issuer != nil {
			l.issuers = append(l.issuers, uint32(at))
		}
		if notes.unknownCritical != nil {
			l.addUnknownCritical(der.OID(notes.unknownCritical).String())
		}
		l.index = append(l.index, uint32(at))
	}
	slices.SortFunc(l.index, func(a, b uint32) int {
		return bytes.Compare(serialAt(entries, a), serialAt(entries, b))
	})
	return nil
}

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
