package keystore

import (
	"crypto/x509"
	"fmt"
	"time"
)

// A PathFinder finds a path from a certificate over others to an anchor that is valid
// at an instant (RFC 5280, 6.1), all of them DER. It returns the certificates between
// the leaf and the anchor, or an error that says what is wrong with the path that came
// furthest. Among the others may be what is no certificate, or the leaf itself; without
// an anchor there is no path. keyman/crl/certpath.Between is one.
type PathFinder func(leaf []byte, others, anchors [][]byte, at time.Time) (between [][]byte, err error)

// maxTraced bounds the certificates that are looked at to say why there is no path.
const maxTraced = 64

// certificates returns those of all entries, DER.
func (s *Store) certificates() [][]byte {
	var list [][]byte
	for _, item := range s.content().Items {
		if item.Certificate != nil {
			list = append(list, item.Certificate)
		}
	}
	return list
}

// within returns the instant nearest to t at which a certificate is valid.
func within(c *x509.Certificate, t time.Time) time.Time {
	switch {
	case t.Before(c.NotBefore):
		return c.NotBefore
	case t.After(c.NotAfter):
		return c.NotAfter
	default:
		return t
	}
}

// noPath says why there is no path from a certificate, over those of this store and
// more, to a trusted CA: there is one by names and signatures, which is not valid; it
// ends at a CA that is here without trust; or at one that is not here.
func (s *Store) noPath(leaf *x509.Certificate, more []*x509.Certificate, invalid error) *EntryError {
	var (
		reason *EntryError
		queue  = []*x509.Certificate{leaf}
		seen   = map[string]bool{string(leaf.Raw): true}
	)
	for looked := 0; looked < len(queue) && looked < maxTraced; looked++ {
		at := queue[looked]
		above := s.issuersOf(at, more)
		for _, issuer := range above {
			if s.trusts(issuer) {
				return &EntryError{Err: ErrPath, Detail: invalid.Error()}
			}
			if !seen[string(issuer.Raw)] && !selfIssued(issuer) {
				seen[string(issuer.Raw)] = true
				queue = append(queue, issuer)
			}
		}
		if end := s.pathEnd(at, above); end != nil && (reason == nil || end.Err == ErrUntrustedIssuer) { //nolint:errorlint // the sentinel itself
			reason = end
		}
	}
	if reason == nil {
		return &EntryError{Err: ErrPath, Detail: invalid.Error()}
	}
	return reason
}

// issuersOf lists the certificates of this store and more that issued another one, by
// name, key identifier and signature.
func (s *Store) issuersOf(c *x509.Certificate, more []*x509.Certificate) []*x509.Certificate {
	var list []*x509.Certificate
	of := linkOf(c)
	for _, item := range s.itemsWith(bySubject, string(c.RawIssuer)) {
		if by := readLink(item.Certificate); by.parsed != nil && issued(by, of) {
			list = append(list, by.parsed)
		}
	}
	for _, other := range more {
		if issued(linkOf(other), of) {
			list = append(list, other)
		}
	}
	return list
}

// trusts reports whether a certificate is that of a trusted CA.
func (s *Store) trusts(c *x509.Certificate) bool {
	for _, item := range s.itemsWith(byCertificate, hashed(c.Raw)) {
		if item.Kind == Signer && item.Trusted {
			return true
		}
	}
	return false
}

// pathEnd says why a path ends at a certificate with these issuers, of which none is
// trusted; nil where it goes on.
func (s *Store) pathEnd(at *x509.Certificate, issuers []*x509.Certificate) *EntryError {
	goesOn := false
	for _, issuer := range issuers {
		if !selfIssued(issuer) {
			goesOn = true
			continue
		}
		for _, item := range s.itemsWith(byCertificate, hashed(issuer.Raw)) {
			return &EntryError{Err: ErrUntrustedIssuer, Detail: fmt.Sprintf("%q is here without trust", item.Label)}
		}
	}
	if goesOn {
		return nil
	}
	detail := nameText(at.RawIssuer)
	for _, item := range s.itemsWith(bySubject, string(at.RawIssuer)) {
		if item.Kind == Signer {
			detail += fmt.Sprintf("; %q has that name and another key", item.Label)
			break
		}
	}
	return &EntryError{Err: ErrUnknownIssuer, Detail: detail}
}
