package keystore

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"

	"keyman/internal/dn"
	"keyman/keystore/format"
)

// Receive takes the certificate that a CA issued for a request of this store:
// the one among certificates (DER, in any order) whose public key a Request
// has. The request becomes a Personal entry with the same label, or with label
// where that is not "". One that Renew made takes the place of the entry that it
// renews, unless there is a label or the subject is another one. Intermediate CAs
// that come along are added as Signers that are not trusted; roots are not, because
// trust is never brought along. What among certificates crypto/x509 does not read is
// passed over.
//
// It returns ErrNoRequest where the key is not here, ErrDuplicateCertificate and
// ErrOwnKey where the key is here and no request waits, ErrKeyMismatch where a
// request asks for the same name with another key, ErrUnknownIssuer where the
// issuers lead to no CA of this store, and ErrUntrustedIssuer where they lead to one
// that is not trusted.
func (s *Store) Receive(certificates [][]byte, label string) (Entry, error) {
	parsed, err := parseAll(certificates)
	if err != nil {
		return Entry{}, err
	}
	i, leaf := s.requestFor(parsed)
	if leaf == nil {
		return Entry{}, s.noRequest(parsed)
	}
	item := s.content().Items[i]
	path, untrusted := s.trustedPath(leaf, parsed)
	if untrusted != nil {
		return Entry{}, &EntryError{Label: item.Label, Err: untrusted.Err, Detail: untrusted.Detail}
	}

	// From here on the request is out and the new item in, or nothing has changed.
	before := slices.Clone(s.content().Items)
	personal := format.Item{Kind: Personal, Label: label, Certificate: leaf.Raw, Key: item.Key, Kept: item.Kept}
	if label == "" {
		personal.Label = item.Label
	}
	old := s.renewed(item.Label, leaf)
	s.take(i)
	if label == "" && old >= 0 {
		// Requests come after certificates, so that old is where it was.
		personal.Label, personal.Default = s.content().Items[old].Label, s.content().Items[old].Default
		s.take(old)
	}
	if err := s.insert(personal); err != nil {
		s.restore(before)
		return Entry{}, err
	}
	var above [][]byte
	for _, certificate := range path {
		above = append(above, certificate.Raw)
	}
	if err := s.bring(above); err != nil {
		s.restore(before)
		return Entry{}, err
	}
	return s.entry(personal), nil
}

// noRequest says why none of the certificates is received: one is there already,
// its key has another certificate, or the key is not here, although one waits
// under the same name.
func (s *Store) noRequest(certificates []*x509.Certificate) error {
	for _, c := range certificates {
		owner, ok := s.keyOf(c.Raw)
		switch {
		case ok && bytes.Equal(owner.Certificate, c.Raw):
			return &EntryError{Label: owner.Label, Err: ErrDuplicateCertificate}
		case ok:
			return &EntryError{Label: owner.Label, Err: ErrOwnKey, Detail: "it has a certificate, and no request waits for another"}
		}
	}
	for _, item := range s.content().Items {
		request, err := x509.ParseCertificateRequest(item.Request)
		if err != nil {
			continue
		}
		for _, c := range certificates {
			if bytes.Equal(request.RawSubject, c.RawSubject) {
				return &EntryError{Label: item.Label, Err: ErrKeyMismatch, Detail: "its request is for " + nameText(c.RawSubject) + " with another key"}
			}
		}
	}
	return &EntryError{Err: ErrNoRequest, Detail: subjects(certificates)}
}

// requestFor finds the certificate that a request waits for, and the request.
func (s *Store) requestFor(certificates []*x509.Certificate) (int, *x509.Certificate) {
	for i, item := range s.content().Items {
		if item.Kind != Request {
			continue
		}
		key, err := parseKey(item.Key)
		if err != nil {
			continue // a key of a type that is not known has no certificate here
		}
		for _, c := range certificates {
			if samePublic(key.Public(), c.PublicKey) {
				return i, c
			}
		}
	}
	return -1, nil
}

// trustedPath follows the issuers of a certificate, among the store's and those
// that came with it, to a trusted CA of this store. Each signature must verify.
// It returns the CAs on the way, without the trusted one.
func (s *Store) trustedPath(leaf *x509.Certificate, more []*x509.Certificate) ([]*x509.Certificate, *EntryError) {
	var path []*x509.Certificate
	at := leaf
	for range maxChain {
		if anchor := s.trustedIssuer(at, len(path)); anchor != nil {
			return path, nil
		}
		issuer := s.issuer(linkOf(at), more).parsed
		if issuer == nil || selfIssued(issuer) {
			return nil, s.noAnchor(at, issuer)
		}
		if err := checkIssued(at, issuer, len(path)); err != nil {
			return nil, &EntryError{Err: ErrUntrustedIssuer, Detail: fmt.Sprintf("the certificate of %s: %v", nameText(at.RawSubject), err)}
		}
		path = append(path, issuer)
		at = issuer
	}
	return nil, &EntryError{Err: ErrUntrustedIssuer, Detail: "the chain is too long"}
}

// checkIssued verifies the signature of a certificate by a CA between, which says of
// itself that it is one, as version 1 could not (RFC 5280, 6.1.4 k), and allows so
// many CAs below it (6.1.4 l and m).
func checkIssued(certificate, issuer *x509.Certificate, below int) error {
	if !issuer.BasicConstraintsValid || !issuer.IsCA {
		return fmt.Errorf("that of its issuer, %s, is not the certificate of a CA", nameText(issuer.RawSubject))
	}
	if !allowsBelow(issuer, below) {
		return fmt.Errorf("its issuer, %s, allows %d CAs below it, and here are %d", nameText(issuer.RawSubject), issuer.MaxPathLen, below)
	}
	return certificate.CheckSignatureFrom(issuer)
}

// allowsBelow reports whether the path length of a CA allows so many CAs below it.
func allowsBelow(ca *x509.Certificate, below int) bool {
	limited := ca.MaxPathLen > 0 || ca.MaxPathLenZero
	return !limited || below <= ca.MaxPathLen
}

// noAnchor says why a path ends at a certificate whose issuer is no trusted CA:
// that one is here without trust, or it is not here, whether it came along or not.
func (s *Store) noAnchor(at, issuer *x509.Certificate) *EntryError {
	name := nameText(at.RawIssuer)
	for _, item := range s.content().Items {
		l := readLink(item.Certificate)
		switch {
		case issuer != nil && bytes.Equal(item.Certificate, issuer.Raw):
			return &EntryError{Err: ErrUntrustedIssuer, Detail: fmt.Sprintf("%q is here without trust", item.Label)}
		case item.Kind == Signer && l.known && bytes.Equal(l.subject, at.RawIssuer):
			return &EntryError{Err: ErrUnknownIssuer, Detail: fmt.Sprintf("%s; %q has that name and another key", name, item.Label)}
		}
	}
	return &EntryError{Err: ErrUnknownIssuer, Detail: name}
}

// trustedIssuer finds the trusted CA that issued a certificate, whose signature
// verifies and which allows so many CAs below it; nil where there is none.
func (s *Store) trustedIssuer(certificate *x509.Certificate, below int) *x509.Certificate {
	for _, item := range s.itemsWith(bySubject, string(certificate.RawIssuer)) {
		if item.Kind != Signer || !item.Trusted {
			continue
		}
		ca, err := parseCertificate(item.Certificate)
		if err == nil && allowsBelow(ca, below) && certificate.CheckSignatureFrom(ca) == nil {
			return ca
		}
	}
	return nil
}

// subjects lists the subjects of certificates for an error.
func subjects(certificates []*x509.Certificate) string {
	if len(certificates) == 1 {
		return nameText(certificates[0].RawSubject)
	}
	return fmt.Sprintf("%d certificates were looked at", len(certificates))
}

// nameText writes a name of a certificate.
func nameText(der []byte) string {
	name, err := dn.FromDER(der)
	if err != nil {
		return "a name that cannot be read"
	}
	return name.String()
}

// parseAll parses certificates. CAs hand out chains with old roots that Go does not
// read: the error is that of the first one where it reads none.
func parseAll(list [][]byte) ([]*x509.Certificate, error) {
	var (
		certificates []*x509.Certificate
		unread       error
	)
	for _, der := range list {
		c, err := parseCertificate(der)
		switch {
		case err == nil:
			certificates = append(certificates, c)
		case unread == nil:
			unread = &EntryError{Err: ErrCertificate, Detail: err.Error()}
		}
	}
	if len(certificates) == 0 {
		return nil, unread
	}
	return certificates, nil
}
