package csr

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"keyman/internal/dn"
)

// An Issuer is whoever signs certificates of others.
type Issuer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// Certify makes a certificate for the public key of somebody else, DER, of what a
// template says. The validity is cut to that of the issuer's certificate. Nobody
// keeps a record of it, so that it cannot be revoked: it is for those who sign a
// request by hand. Package ca issues with a record.
//
// The template is the word of whoever signs: one made by FromRequest holds what a
// stranger asks for, a CA's rights among it.
func Certify(t Template, public crypto.PublicKey, by Issuer, v Validity) ([]byte, error) {
	der, err := certify(t, public, by, v)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return der, nil
}

func certify(t Template, public crypto.PublicKey, by Issuer, v Validity) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if t.Challenge != nil {
		return nil, errors.New("a challenge password is for a request")
	}
	if err := CheckKey(public); err != nil {
		return nil, err
	}
	if err := by.check(t, public); err != nil {
		return nil, err
	}
	if v.NotBefore.Before(by.Certificate.NotBefore) {
		v.NotBefore = by.Certificate.NotBefore
	}
	if v.NotAfter.After(by.Certificate.NotAfter) {
		v.NotAfter = by.Certificate.NotAfter
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	certificate, err := t.certificate(public, v)
	if err != nil {
		return nil, err
	}
	algorithm, err := signatureOf(by.Key.Public(), t.Hash)
	if err != nil {
		return nil, err
	}
	certificate.SignatureAlgorithm = algorithm.algorithm
	certificate.AuthorityKeyId = by.Certificate.SubjectKeyId
	der, err := x509.CreateCertificate(rand.Reader, certificate, by.Certificate, public, by.Key)
	if err != nil {
		return nil, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("what was signed cannot be read: %w", err)
	}
	if err := made.CheckSignatureFrom(by.Certificate); err != nil {
		return nil, fmt.Errorf("what was signed does not verify: %w", err)
	}
	return der, nil
}

// check tells why an issuer does not sign for this key and template.
func (by Issuer) check(t Template, public crypto.PublicKey) error {
	c := by.Certificate
	name, err := dn.FromDER(c.RawSubject)
	if err != nil {
		return fmt.Errorf("the issuer's name: %w", err)
	}
	if err := CheckKey(by.Key.Public()); err != nil {
		return fmt.Errorf("the issuer's key: %w", err)
	}
	now := time.Now()
	switch {
	case !samePublic(by.Key.Public(), c.PublicKey):
		return errors.New("the issuer's key is not that of its certificate")
	case !c.BasicConstraintsValid || !c.IsCA: // RFC 5280, 4.2.1.9
		return fmt.Errorf("the certificate of %s is not that of a CA", name)
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0: // RFC 5280, 4.2.1.3
		return fmt.Errorf("the key of %s is not there to sign certificates", name)
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return fmt.Errorf("the certificate of %s is good from %s to %s only", name, c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
	case samePublic(public, c.PublicKey):
		return errors.New("the key is the issuer's own")
	case t.Subject.Equal(name):
		return errors.New("the subject is the issuer's own name")
	case t.isCA() && c.MaxPathLen == 0 && c.MaxPathLenZero: // RFC 5280, 4.2.1.9
		return fmt.Errorf("no CA may stand below %s", name)
	}
	return nil
}

// samePublic reports whether two public keys are the same one.
func samePublic(a, b crypto.PublicKey) bool {
	x, errX := x509.MarshalPKIXPublicKey(a)
	y, errY := x509.MarshalPKIXPublicKey(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
