package keystore

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"keyman/internal/keyfile"
)

// parseCertificate reads a certificate for use. One with an RSA key of more than
// keyfile.MaxRSABits has none: to verify a single signature by a key of a million
// bits takes some 16 s.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > keyfile.MaxRSABits {
		return nil, fmt.Errorf("an RSA key of %d bits, and %d are allowed", key.N.BitLen(), keyfile.MaxRSABits)
	}
	return c, nil
}
