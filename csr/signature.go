package csr

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A signature is how a kind of key signs.
type signature struct {
	id        asn1.ObjectIdentifier
	hash      crypto.Hash // zero: the message itself is signed
	null      bool        // whether the parameters are NULL and not absent
	algorithm x509.SignatureAlgorithm
}

// rsaSignatures are those of PKCS#1 v1.5 (RFC 4055, 5), ecdsaSignatures those of
// RFC 5758, 3.2. SHA-1 and MD5 are not among them: nobody signs with them today.
var (
	rsaSignatures = []signature{
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256, true, x509.SHA256WithRSA},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, crypto.SHA384, true, x509.SHA384WithRSA},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, crypto.SHA512, true, x509.SHA512WithRSA},
	}
	ecdsaSignatures = []signature{
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, crypto.SHA256, false, x509.ECDSAWithSHA256},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, crypto.SHA384, false, x509.ECDSAWithSHA384},
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, crypto.SHA512, false, x509.ECDSAWithSHA512},
	}
)

// signatureOf returns how an accepted key signs with a hash. Zero is SHA-256 for
// RSA, and for ECDSA the hash of the curve's strength. Ed25519 (RFC 8410, 3) takes
// no hash.
func signatureOf(public crypto.PublicKey, hash crypto.Hash) (signature, error) {
	var list []signature
	usual := crypto.SHA256
	switch k := public.(type) {
	case *rsa.PublicKey:
		list = rsaSignatures
	case *ecdsa.PublicKey:
		list = ecdsaSignatures
		switch bits := k.Curve.Params().BitSize; {
		case bits > 384:
			usual = crypto.SHA512
		case bits > 256:
			usual = crypto.SHA384
		}
	case ed25519.PublicKey:
		if hash == 0 {
			return signature{id: asn1.ObjectIdentifier{1, 3, 101, 112}, algorithm: x509.PureEd25519}, nil
		}
	default:
		panic("a key that CheckKey has not seen")
	}
	if hash == 0 {
		hash = usual
	}
	for _, s := range list {
		if s.hash == hash {
			return s, nil
		}
	}
	return signature{}, fmt.Errorf("a key of type %s does not sign with %v here", KeyName(public), hash)
}

func (s signature) sign(key crypto.Signer, message []byte) ([]byte, error) {
	if s.hash == 0 {
		return key.Sign(rand.Reader, message, crypto.Hash(0))
	}
	h := s.hash.New()
	h.Write(message)
	return key.Sign(rand.Reader, h.Sum(nil), s.hash)
}

// add encodes the AlgorithmIdentifier.
func (s signature) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(s.id)
		if s.null {
			b.AddASN1NULL()
		}
	})
}
