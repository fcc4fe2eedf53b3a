package jks

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"keyman/internal/keyfile"
	"keyman/keystore/format"
)

// maxChain bounds a chain that is made of the items, in certificates.
const maxChain = 16

// A builder makes the chains of keys of the items of a database.
type builder struct {
	items []format.Item
	held  map[string]bool // the items' certificates, by content
	// bySubject is made at the first need: most chains are as they were read.
	bySubject map[string][]*x509.Certificate
}

func newBuilder(items []format.Item) *builder {
	b := &builder{items: items, held: map[string]bool{}}
	for _, item := range items {
		b.held[string(item.Certificate)] = true
	}
	return b
}

// chain returns the chain of a key: as it was read, where the items have all of
// it still, and otherwise the issuers among the items as far as the root.
func (b *builder) chain(item format.Item, read [][]byte) [][]byte {
	if len(read) > 0 && bytes.Equal(read[0], item.Certificate) && b.holds(read) {
		return read
	}
	chain := [][]byte{item.Certificate}
	certificate, err := x509.ParseCertificate(item.Certificate)
	for err == nil && len(chain) < maxChain && !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
		issuer := b.issuer(certificate)
		if issuer == nil || contains(chain, issuer.Raw) {
			break
		}
		chain = append(chain, issuer.Raw)
		certificate = issuer
	}
	return chain
}

func (b *builder) holds(chain [][]byte) bool {
	for _, certificate := range chain {
		if !b.held[string(certificate)] {
			return false
		}
	}
	return true
}

func contains(list [][]byte, der []byte) bool {
	for _, one := range list {
		if bytes.Equal(one, der) {
			return true
		}
	}
	return false
}

// issuer finds the certificate that issued another; nil where there is none.
func (b *builder) issuer(certificate *x509.Certificate) *x509.Certificate {
	if b.bySubject == nil {
		b.bySubject = map[string][]*x509.Certificate{}
		for _, item := range b.items {
			if one, err := x509.ParseCertificate(item.Certificate); err == nil {
				b.bySubject[string(one.RawSubject)] = append(b.bySubject[string(one.RawSubject)], one)
			}
		}
	}
	for _, candidate := range b.bySubject[string(certificate.RawIssuer)] {
		if issued(candidate, certificate) {
			return candidate
		}
	}
	return nil
}

// issued reports whether a certificate may have issued another with its name
// as that of the issuer: by the key identifiers, and by the signature where it
// can be verified. Whether it was allowed to is the validator's question.
func issued(issuer, certificate *x509.Certificate) bool {
	if len(issuer.SubjectKeyId) > 0 && len(certificate.AuthorityKeyId) > 0 &&
		!bytes.Equal(issuer.SubjectKeyId, certificate.AuthorityKeyId) {
		return false
	}
	if key, ok := issuer.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > keyfile.MaxRSABits {
		return false // nobody uses it, and a signature by it costs seconds
	}
	err := issuer.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}
