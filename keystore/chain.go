package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"

	"keyman/keystore/format"
)

// maxChain bounds a chain in certificates.
const maxChain = 16

// chain follows the issuers of a certificate within the store, as far as the
// root or as the store goes. It judges nothing: that is the validator's task.
func (s *Store) chain(der []byte) [][]byte {
	chain := [][]byte{bytes.Clone(der)}
	certificate, err := x509.ParseCertificate(der)
	for err == nil && len(chain) < maxChain && !selfIssued(certificate) {
		issuer := s.issuer(certificate, nil)
		if issuer == nil || contains(chain, issuer.Raw) {
			break
		}
		chain = append(chain, bytes.Clone(issuer.Raw))
		certificate = issuer
	}
	return chain
}

// issuer finds the certificate that issued another, among the store's and more:
// by name and key identifier, and by the signature where it can be verified.
func (s *Store) issuer(certificate *x509.Certificate, more []*x509.Certificate) *x509.Certificate {
	for _, item := range s.content().Items {
		// Names are looked at before anything is parsed.
		if item.Certificate == nil || !bytes.Contains(item.Certificate, certificate.RawIssuer) {
			continue
		}
		if candidate, err := x509.ParseCertificate(item.Certificate); err == nil && issued(candidate, certificate) {
			return candidate
		}
	}
	for _, candidate := range more {
		if issued(candidate, certificate) {
			return candidate
		}
	}
	return nil
}

// issued reports whether one certificate may have issued another.
func issued(issuer, certificate *x509.Certificate) bool {
	if !bytes.Equal(issuer.RawSubject, certificate.RawIssuer) {
		return false
	}
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
// without one trusts nobody.
func (s *Store) Anchors() [][]byte {
	var anchors [][]byte
	for _, item := range s.content().Items {
		if item.Kind == format.Signer && item.Trusted {
			anchors = append(anchors, bytes.Clone(item.Certificate))
		}
	}
	return anchors
}
