package csr

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Validity is the time that a certificate is good for, both ends included, to
// the second (RFC 5280, 4.1.2.5).
type Validity struct{ NotBefore, NotAfter time.Time }

// Validate tells why no certificate can have this validity, or returns nil.
func (v Validity) Validate() error {
	switch {
	case v.NotBefore.IsZero() || v.NotAfter.IsZero():
		return errors.New("a validity needs two dates")
	case !v.NotAfter.After(v.NotBefore):
		return fmt.Errorf("the validity ends (%s) before it begins (%s)",
			v.NotAfter.UTC().Format(time.RFC3339), v.NotBefore.UTC().Format(time.RFC3339))
	case v.NotBefore.Year() < 1950 || v.NotAfter.UTC().Year() > 9999:
		// GeneralizedTime ends there (RFC 5280, 4.1.2.5.2).
		return errors.New("a validity lies between the years 1950 and 9999")
	}
	return nil
}

// SelfSign makes a certificate signed by its own key, DER: for peers that trust
// each other's certificates by name, for tests, and, where the template's basic
// constraints say so, for a CA that somebody else's program runs; package ca makes
// those of its own.
func SelfSign(t Template, key crypto.Signer, v Validity) ([]byte, error) {
	der, err := selfSign(t, key, v)
	if err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	return der, nil
}

func selfSign(t Template, key crypto.Signer, v Validity) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if t.Subject.IsEmpty() {
		// The subject is the issuer, too, and that must not be empty
		// (RFC 5280, 4.1.2.4).
		return nil, errors.New("no subject")
	}
	if t.Challenge != nil {
		return nil, errors.New("a challenge password is for a request")
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if err := CheckKey(key.Public()); err != nil {
		return nil, err
	}
	certificate, err := t.certificate(key.Public(), v)
	if err != nil {
		return nil, err
	}
	algorithm, err := signatureOf(key.Public(), t.Hash)
	if err != nil {
		return nil, err
	}
	certificate.SignatureAlgorithm = algorithm.algorithm
	return x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
}

// certificate fills in all of a certificate but its issuer and its signature.
func (t Template) certificate(public crypto.PublicKey, v Validity) (*x509.Certificate, error) {
	serial, err := NewSerial()
	if err != nil {
		return nil, err
	}
	if t.BasicConstraints == nil {
		t.BasicConstraints = &BasicConstraints{} // says that it is no CA
	}
	extensions, err := t.extensions()
	if err != nil {
		return nil, err
	}
	keyID, err := KeyID(public)
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:    serial,
		RawSubject:      t.Subject.DER(),
		NotBefore:       v.NotBefore.UTC(),
		NotAfter:        v.NotAfter.UTC(),
		SubjectKeyId:    keyID,
		ExtraExtensions: extensions,
	}, nil
}

// NewSerial returns a random positive serial number of 128 bits. Nobody can
// guess it, which takes the ground from collision attacks on signatures, and
// its encoding stays below the 20 octets of RFC 5280, 4.1.2.2.
func NewSerial() (*big.Int, error) {
	octets := make([]byte, 16)
	// rand.Read never fails.
	rand.Read(octets)
	serial := new(big.Int).SetBytes(octets)
	if serial.Sign() == 0 {
		return nil, errors.New("the random generator returned zeros only")
	}
	return serial, nil
}
