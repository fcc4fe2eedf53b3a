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
	"slices"

	"keyman/internal/dn"
	"keyman/internal/oids"
)

// OIDIPsecIKE returns id-kp-ipsecIKE, the extended key usage of certificates
// for IKE (RFC 4945, 5.1.3.12).
func OIDIPsecIKE() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 17}
}

// The bounds of RSA keys, in bits. The upper one keeps a hostile request from
// costing seconds.
const (
	MinRSABits = 2048
	MaxRSABits = 16384
)

const (
	// MaxExtKeyUsages is the largest number of extended key usages in one
	// request.
	MaxExtKeyUsages = 64
	// MaxPathLen is the largest path length that is written; real ones are 0
	// to 3.
	MaxPathLen = 255
)

// A Template says what a request asks for, or what a self-signed certificate
// holds. Only the subject or a name must be there.
type Template struct {
	// Subject may be empty where there are SANs (RFC 5280, 4.1.2.6).
	Subject dn.Name
	SANs    []SAN
	// OtherNames are alternative names that no SAN stands for, each the DER
	// encoding of a GeneralName, as FromRequest and FromCertificate keep them.
	OtherNames [][]byte
	// IKE adds the key usage digitalSignature and the extended key usage
	// ipsecIKE to those below.
	IKE bool
	// KeyUsage is a critical extension; zero is none.
	KeyUsage x509.KeyUsage
	// ExtKeyUsage is in the order in which it is written.
	ExtKeyUsage []asn1.ObjectIdentifier
	// BasicConstraints: nil asks for nothing, and makes a self-signed
	// certificate one of an end entity.
	BasicConstraints *BasicConstraints
	// Extensions are further ones, as FromRequest keeps them.
	Extensions []pkix.Extension
	// Challenge is a request's challenge password; nil is none. Anyone who
	// sees the request can read it.
	Challenge Challenge
	// Hash is what is signed with: SHA-256, SHA-384 or SHA-512. Zero is the one
	// that goes with the key, and the only one for Ed25519.
	Hash crypto.Hash
}

// BasicConstraints tell a CA's certificate from an end entity's (RFC 5280,
// 4.2.1.9).
type BasicConstraints struct {
	CA bool
	// PathLen is how many CAs may stand between this one and an end entity;
	// nil is any number.
	PathLen *int
}

// usage returns the key usage with what IKE and a CA need: a CA for which
// nothing is said signs certificates and revocation lists.
func (t Template) usage() x509.KeyUsage {
	usage := t.KeyUsage
	if t.IKE {
		usage |= x509.KeyUsageDigitalSignature
	}
	if t.isCA() && t.KeyUsage == 0 {
		usage |= x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	return usage
}

// purposes returns the extended key usages with what IKE needs.
func (t Template) purposes() []asn1.ObjectIdentifier {
	if ike := OIDIPsecIKE(); t.IKE && !slices.ContainsFunc(t.ExtKeyUsage, ike.Equal) {
		return append(slices.Clip(t.ExtKeyUsage), ike)
	}
	return t.ExtKeyUsage
}

// ForIKE reports whether the certificate is to have the extended key usage
// ipsecIKE.
func (t Template) ForIKE() bool { return slices.ContainsFunc(t.purposes(), OIDIPsecIKE().Equal) }

func (t Template) isCA() bool { return t.BasicConstraints != nil && t.BasicConstraints.CA }

// Validate tells what is wrong with the template, or returns nil.
func (t Template) Validate() error {
	if t.Subject.IsEmpty() && len(t.SANs)+len(t.OtherNames) == 0 {
		return errors.New("neither a subject nor an alternative name")
	}
	if err := t.Subject.Validate(); err != nil {
		return err
	}
	if err := checkSANs(t.SANs, len(t.OtherNames)); err != nil {
		return err
	}
	if err := t.Challenge.Validate(); err != nil {
		return err
	}
	return t.validateUsage()
}

// validateUsage refuses usages that contradict each other.
func (t Template) validateUsage() error {
	usage := t.usage()
	if len(t.ExtKeyUsage) > MaxExtKeyUsages {
		return fmt.Errorf("%d extended key usages, more than %d", len(t.ExtKeyUsage), MaxExtKeyUsages)
	}
	for i, id := range t.ExtKeyUsage {
		if slices.ContainsFunc(t.ExtKeyUsage[:i], id.Equal) {
			return fmt.Errorf("the extended key usage %s is there twice", oids.PurposeWord(id.String()))
		}
	}
	// RFC 5280, 4.2.1.3: the two say something only beside keyAgreement.
	if usage&(x509.KeyUsageEncipherOnly|x509.KeyUsageDecipherOnly) != 0 && usage&x509.KeyUsageKeyAgreement == 0 {
		return errors.New("the key usages encipherOnly and decipherOnly go with keyAgreement (RFC 5280, 4.2.1.3)")
	}
	if usage&x509.KeyUsageCertSign != 0 && !t.isCA() {
		return errors.New("the key usage keyCertSign is for a CA (RFC 5280, 4.2.1.3)")
	}
	if t.BasicConstraints == nil {
		return nil
	}
	if t.isCA() && usage&x509.KeyUsageCertSign == 0 {
		return errors.New("a CA whose key usage lacks keyCertSign signs nothing (RFC 5280, 4.2.1.3)")
	}
	if n := t.BasicConstraints.PathLen; n != nil {
		switch {
		case !t.isCA():
			return errors.New("a path length is for a CA (RFC 5280, 4.2.1.9)")
		case *n < 0 || *n > MaxPathLen:
			return fmt.Errorf("a path length of %d: 0 to %d are accepted", *n, MaxPathLen)
		}
	}
	return nil
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
