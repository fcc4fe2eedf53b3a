package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
)

// A Summary is what can be told of any certificate by its outer structure (RFC
// 5280, 4.1), also of one that crypto/x509 refuses: such a certificate can be
// shown, kept and given away, but not used.
type Summary struct {
	Serial          *big.Int // may be what RFC 5280 forbids: zero or negative
	Issuer, Subject []byte   // names, DER
	// NotBefore and NotAfter are zero where the date cannot be read.
	NotBefore, NotAfter time.Time
	// PublicKey is the SubjectPublicKeyInfo, DER.
	PublicKey []byte
	// KeyType names the kind of key, such as "rsa", "brainpoolP256r1" or
	// "dsa"; a dotted identifier where it has no name here.
	KeyType string
	// Signature is the dotted identifier of the signature algorithm.
	Signature string
	// Unusable tells why the certificate cannot be used; nil where it can. It
	// wraps ErrUnusable.
	Unusable error
}

// EndsBy reports whether the certificate is no longer valid after t. One whose
// end cannot be read counts as ended.
func (s Summary) EndsBy(t time.Time) bool { return endsBy(s.NotAfter, t) }

func endsBy(end, t time.Time) bool { return end.IsZero() || !end.After(t) }

// Summarize reads the structure of a certificate. It returns ErrCertificate for
// what is none.
func Summarize(der []byte) (Summary, error) {
	c, err := cert.ParseLoosely(der)
	if err != nil {
		return Summary{}, &EntryError{Err: ErrCertificate, Detail: err.Error()}
	}
	s := Summary{
		Serial: c.Serial, Issuer: bytes.Clone(c.RawIssuer), Subject: bytes.Clone(c.RawSubject), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		PublicKey: bytes.Clone(c.RawSPKI), KeyType: c.KeyAlgorithm.KeyType(), Signature: c.Algorithm.OID.String(),
	}
	s.Unusable = unusable(der, s.KeyType)
	if c.Has(cert.FlawExtensions) {
		// Go reads some of those.
		_, err := cert.Parse(der)
		s.Unusable = &EntryError{Err: ErrUnusable, Detail: err.Error()}
	}
	return s, nil
}

// unusable tells why a certificate cannot be used; nil where it can.
func unusable(der []byte, keyType string) error {
	certificate, err := parseCertificate(der)
	if err != nil {
		return &EntryError{Err: ErrUnusable, Detail: err.Error()}
	}
	switch certificate.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	default:
		return &EntryError{Err: ErrUnusable, Detail: "a key of type " + keyType + " is not known"}
	}
}

// privateKeyType names the kind of key of a PrivateKeyInfo (RFC 5958, 2).
func privateKeyType(key []byte) (string, error) {
	var info, element cryptobyte.String
	input := cryptobyte.String(key)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.INTEGER) || !info.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return "", errors.New("it has not the structure of RFC 5958, 2")
	}
	algorithm, err := cert.ParseAlgorithm(element)
	if err != nil {
		return "", err
	}
	return algorithm.KeyType(), nil
}
