package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"

	"keyman/internal/cert"
	"keyman/keystore/format"
)

// maxChain bounds a chain in certificates.
const maxChain = 16

// chain follows the issuers of a certificate within the store, as far as the
// root or as the store goes. It judges nothing: that is the validator's task.
func (s *Store) chain(der []byte) [][]byte {
	return chain(der, func(of link) link { return s.issuer(of, nil) })
}

// Complete returns a chain of certificates from elsewhere, DER, leaf first, with those
// above its last one that the store has.
func (s *Store) Complete(chain [][]byte) [][]byte {
	if len(chain) == 0 {
		return nil
	}
	last := len(chain) - 1
	return append(slices.Clone(chain[:last]), s.chain(chain[last])...)
}

// chain follows the issuers of a certificate as issuerOf finds them.
func chain(der []byte, issuerOf func(link) link) [][]byte {
	chain := [][]byte{bytes.Clone(der)}
	for at := readLink(der); at.known && len(chain) < maxChain && !bytes.Equal(at.issuer, at.subject); {
		next := issuerOf(at)
		if !next.known || contains(chain, next.der) {
			break
		}
		chain = append(chain, bytes.Clone(next.der))
		at = next
	}
	return chain
}

// A link is a certificate as a part of a chain.
type link struct {
	der             []byte
	issuer, subject []byte            // names, DER
	parsed          *x509.Certificate // nil where crypto/x509 does not read it
	known           bool              // it is a certificate
}

// readLink reads a certificate, usable or not.
func readLink(der []byte) link {
	if parsed, err := parseCertificate(der); err == nil {
		return linkOf(parsed)
	}
	return outerLink(der)
}

// outerLink reads a certificate by its outer structure.
func outerLink(der []byte) link {
	outline, ok := cert.ReadOutline(der)
	return link{der: der, issuer: outline.Issuer, subject: outline.Subject, known: ok}
}

func linkOf(c *x509.Certificate) link {
	return link{der: c.Raw, issuer: c.RawIssuer, subject: c.RawSubject, parsed: c, known: true}
}

// issuers returns what issuer does for the store's certificates, for many
// questions: each CA is read once.
func (s *Store) issuers() func(link) link {
	read := map[string]link{} // by certificate
	return func(of link) link {
		for _, item := range s.itemsWith(bySubject, string(of.issuer)) {
			candidate, ok := read[string(item.Certificate)]
			if !ok {
				candidate = readLink(item.Certificate)
				read[string(item.Certificate)] = candidate
			}
			if issued(candidate, of) {
				return candidate
			}
		}
		return link{}
	}
}

// issuer finds the certificate that issued another, among the store's and more:
// by name and key identifier, and by the signature where it can be verified.
func (s *Store) issuer(of link, more []*x509.Certificate) link {
	if candidate := s.issuers()(of); candidate.known {
		return candidate
	}
	for _, c := range more {
		if candidate := linkOf(c); issued(candidate, of) {
			return candidate
		}
	}
	return link{}
}

// issued reports whether one certificate may have issued another.
func issued(by, of link) bool {
	if !by.known || !bytes.Equal(by.subject, of.issuer) {
		return false
	}
	if by.parsed == nil || of.parsed == nil {
		return true // the names are all that can be compared
	}
	issuer, certificate := by.parsed, of.parsed
	if len(issuer.SubjectKeyId) > 0 && len(certificate.AuthorityKeyId) > 0 &&
		!bytes.Equal(issuer.SubjectKeyId, certificate.AuthorityKeyId) {
		return false
	}
	err := issuer.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	// A chain may well hold a certificate that is signed with SHA-1: whether
	// that is good enough is decided elsewhere.
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

func contains(list [][]byte, der []byte) bool {
	for _, one := range list {
		if bytes.Equal(one, der) {
			return true
		}
	}
	return false
}

// Anchors returns the certificates of the CAs that are trusted, DER. A store
// without one trusts nobody. One that cannot be used is left out, as if it were
// not trusted.
func (s *Store) Anchors() [][]byte {
	var anchors [][]byte
	for _, item := range s.content().Items {
		if item.Kind != format.Signer || !item.Trusted {
			continue
		}
		if summary, err := Summarize(item.Certificate); err == nil && summary.Unusable == nil {
			anchors = append(anchors, bytes.Clone(item.Certificate))
		}
	}
	return anchors
}
