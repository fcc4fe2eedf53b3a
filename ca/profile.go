package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"keyman/csr"
)

// A Profile names what a certificate may be used for.
type Profile string

const (
	// ProfileIKE is a certificate for IKE alone: the critical key usage
	// digitalSignature and the extended key usage ipsecIKE (RFC 4945, 5.1.3).
	ProfileIKE Profile = "ike"
	// ProfileIKETLS adds serverAuth and clientAuth, which the IKE clients of
	// Windows and macOS demand of a gateway.
	ProfileIKETLS Profile = "ike-tls"
)

// UnmarshalText implements encoding.TextUnmarshaler; it accepts the names of
// profiles and nothing else.
func (p *Profile) UnmarshalText(text []byte) error {
	switch name := Profile(text); name {
	case ProfileIKE, ProfileIKETLS:
		*p = name
		return nil
	}
	return fmt.Errorf("profile %.40q is not known: use %s or %s", text, ProfileIKE, ProfileIKETLS)
}

// apply puts the profile's usages into a certificate.
func (p Profile) apply(cert *x509.Certificate) error {
	switch p {
	case ProfileIKE:
	case ProfileIKETLS:
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	default:
		return fmt.Errorf("profile %q is not known", string(p))
	}
	cert.KeyUsage = x509.KeyUsageDigitalSignature
	cert.UnknownExtKeyUsage = []asn1.ObjectIdentifier{csr.OIDIPsecIKE()}
	cert.BasicConstraintsValid = true // CA:FALSE
	return nil
}
