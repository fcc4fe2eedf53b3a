package csr

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"keyman/internal/dn"
)

// Object identifiers of the extensions that requests and certificates carry.
var (
	oidKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidAltName     = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	// oidIPsecIKE is id-kp-ipsecIKE (RFC 4945, 5.1.3.12).
	oidIPsecIKE = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 17}
)

// OIDIPsecIKE returns id-kp-ipsecIKE, the extended key usage of certificates
// for IKE (RFC 4945, 5.1.3.12).
func OIDIPsecIKE() asn1.ObjectIdentifier { return append(asn1.ObjectIdentifier(nil), oidIPsecIKE...) }

// The bounds of RSA keys, in bits. The upper one keeps a hostile request from
// costing seconds.
const (
	MinRSABits = 2048
	MaxRSABits = 16384
)

// A Template says what a request asks for, or what a self-signed certificate
// holds.
type Template struct {
	// Subject may be empty where there are SANs (RFC 5280, 4.1.2.6).
	Subject dn.Name
	SANs    []SAN
	// IKE asks for the critical key usage digitalSignature and the extended
	// key usage ipsecIKE.
	IKE bool
}

// Validate tells what is wrong with the template, or returns nil.
func (t Template) Validate() error {
	if t.Subject.IsEmpty() && len(t.SANs) == 0 {
		return errors.New("neither a subject nor an alternative name")
	}
	if err := t.Subject.Validate(); err != nil {
		return err
	}
	_, err := encodable(t.SANs)
	return err
}

// Create makes a request signed by the key, DER.
func Create(t Template, key crypto.Signer) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := CheckKey(key.Public()); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	names, err := encodable(t.SANs)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	request := &x509.CertificateRequest{
		RawSubject:     t.Subject.DER(),
		DNSNames:       names.dns,
		EmailAddresses: names.email,
		IPAddresses:    names.ips,
		URIs:           names.uris,
	}
	if t.IKE {
		if request.ExtraExtensions, err = ikeExtensions(); err != nil {
			return nil, fmt.Errorf("certificate request: %w", err)
		}
	}
	der, err := x509.CreateCertificateRequest(nil, request, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return der, nil
}

// ikeExtensions encodes the two usages of the IKE profile; crypto/x509 has no
// fields for them in a request.
func ikeExtensions() ([]pkix.Extension, error) {
	// A named bit list ends with its last set bit (X.690, 11.2.2):
	// digitalSignature is bit 0.
	usage, err := asn1.Marshal(asn1.BitString{Bytes: []byte{0x80}, BitLength: 1})
	if err != nil {
		return nil, err
	}
	extended, err := asn1.Marshal([]asn1.ObjectIdentifier{oidIPsecIKE})
	if err != nil {
		return nil, err
	}
	return []pkix.Extension{
		{Id: oidKeyUsage, Critical: true, Value: usage},
		{Id: oidExtKeyUsage, Value: extended},
	}, nil
}

// CheckKey tells why a public key is not accepted in a new certificate: RSA
// below 2048 bits or above 16384, a curve other than P-256, P-384 and P-521, or
// another kind of key than RSA, ECDSA and Ed25519.
func CheckKey(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
			return fmt.Errorf("an RSA key of %d bits: %d to %d are accepted", bits, MinRSABits, MaxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return fmt.Errorf("an RSA key with the exponent %d", k.E)
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
		default:
			return errors.New("an ECDSA key on a curve other than P-256, P-384 and P-521")
		}
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return fmt.Errorf("an Ed25519 key of %d bytes", len(k))
		}
	default:
		return fmt.Errorf("a key of type %T: RSA, ECDSA and Ed25519 are accepted", public)
	}
	return nil
}
