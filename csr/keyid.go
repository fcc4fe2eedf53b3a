package csr

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strconv"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// KeyID returns the subjectKeyIdentifier of a public key: the SHA-1 hash of the
// bits of its subjectPublicKey (RFC 5280, 4.2.1.2, method 1). It is a name, not
// a security property; IKE peers look certificates up by it.
func KeyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	var (
		info cryptobyte.String
		bits asn1.BitString
	)
	input := cryptobyte.String(der)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.SEQUENCE) || !info.ReadASN1BitString(&bits) {
		return nil, fmt.Errorf("public key: no SubjectPublicKeyInfo")
	}
	sum := sha1.Sum(bits.Bytes)
	return sum[:], nil
}

// KeyName returns a short name of a public key for people: "rsa-3072", "p256" or
// "ed25519".
func KeyName(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return "rsa-" + strconv.Itoa(k.N.BitLen())
	case *ecdsa.PublicKey:
		return "p" + strconv.Itoa(k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "ed25519"
	}
	return fmt.Sprintf("%T", public)
}
