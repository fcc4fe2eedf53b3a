package certpath

import (
	"errors"
	"fmt"
	"time"

	"keyman/internal/cert"
	"keyman/internal/der"
)

// A Certificate is one certificate as it stands in its encoding, and not
// verified.
type Certificate = cert.Certificate

// An OID is an object identifier.
type OID = cert.OID

// ParseCertificate reads one certificate, DER, which must not be changed
// afterwards.
func ParseCertificate(encoded []byte) (*Certificate, error) { return cert.Parse(encoded) }

// ParseOID reads an OID with dots, such as 2.5.29.32.0.
func ParseOID(text string) (OID, error) { return der.ParseOID(text) }

// AnyPolicy is the policy that stands for all (RFC 5280, 4.2.1.4).
const AnyPolicy = cert.OIDAnyPolicy

// The limits of one validation.
const (
	// MaxDepth bounds the certificates of a path, the anchor not counted.
	MaxDepth = 32
	// MaxSignatureChecks bounds the signatures that are checked. One that
	// several paths share is checked once.
	MaxSignatureChecks = 256
	// MaxCandidates bounds the certificates and anchors that the search
	// considers as an issuer, counted once for each path.
	MaxCandidates = 4096
	// MaxNameChecks bounds the comparisons of names with constraints.
	MaxNameChecks = 250_000
	// MaxAttempts bounds the paths that an Error tells about.
	MaxAttempts = 32
	// MaxPolicyNodes bounds the nodes of all policy graphs together.
	MaxPolicyNodes = 65_536
)

// The lengths that keys must have where Strength says nothing else.
const (
	DefaultMinBits      = 2048 // RSA and DSA, by the modulus
	DefaultMinCurveBits = 256  // ECDSA, by the field
)

// Options say what a validation demands: the inputs of RFC 5280, 6.1.1.
type Options struct {
	// Anchors are who is trusted. Without one nothing is valid.
	Anchors []*Anchor
	// Intermediates may stand on a path, in any order; nobody need trust them.
	Intermediates []*Certificate
	// Time is the instant that the path must be valid at. It must be set.
	Time time.Time
	// InitialPolicies are the policies that will do; none is any.
	InitialPolicies []OID
	// RequireExplicitPolicy demands that the path is valid for one of them.
	RequireExplicitPolicy bool
	// InhibitMapping and InhibitAnyPolicy forbid, on the whole path, that one
	// policy is taken for another, and that anyPolicy is taken for any.
	InhibitMapping, InhibitAnyPolicy bool
	// Purpose is what the leaf is to be used for.
	Purpose Purpose
	// IgnoreCAPurposes leaves the extended key usages of CAs out. RFC 5280
	// gives them no meaning, but practice lets a CA issue for its own
	// purposes only.
	IgnoreCAPurposes bool
	// Strength says which signatures and keys are too weak.
	Strength Strength
	// Revocation is asked about each certificate of a path; nil asks nobody.
	Revocation Revocation
}

// Strength says how strong signatures and keys must be. The zero value is what
// is safe today.
type Strength struct {
	// AllowMD5 and AllowSHA1 accept signatures with these hashes.
	AllowMD5, AllowSHA1 bool
	// MinBits is for RSA and DSA, MinCurveBits for ECDSA; zero is the default.
	MinBits, MinCurveBits int
}

// check returns what an Options value cannot be.
func (o *Options) check() error {
	switch {
	case o.Time.IsZero():
		return errors.New("no time to validate at")
	case o.Purpose < 0 || int(o.Purpose) >= len(purposes):
		return fmt.Errorf("purpose %d is not known", o.Purpose)
	case o.Strength.MinBits < 0 || o.Strength.MinCurveBits < 0:
		return errors.New("a negative length of keys")
	}
	for _, a := range o.Anchors {
		if a == nil {
			return errors.New("an anchor is nil")
		}
	}
	for _, c := range o.Intermediates {
		if c == nil {
			return errors.New("an intermediate certificate is nil")
		}
	}
	return nil
}

// A Path is a chain of certificates that leads to an anchor.
type Path struct {
	// Certificates are those below the anchor, the leaf first. A leaf that is
	// itself trusted is there alone.
	Certificates []*Certificate
	// Anchor is who is trusted at its end.
	Anchor *Anchor
	// Policies are valid on the path among those asked for: the
	// user-constrained-policy-set (RFC 5280, 6.1.6), sorted. AnyPolicy in it
	// stands for every policy.
	Policies []OID
	// Attempts are the paths that were tried before and failed.
	Attempts []Attempt

	// keys are those of the certificates, in the same order, and behind them
	// that of the anchor.
	keys []cert.PublicKey
}

// IssuerKey returns the key by which Certificates[i] is signed, with the
// parameters that it inherits (RFC 5280, 6.1.4 (e)).
func (p *Path) IssuerKey(i int) cert.PublicKey { return p.keys[i+1] }

// PublicKeyOf returns the key of Certificates[i], with the parameters that it
// inherits.
func (p *Path) PublicKeyOf(i int) cert.PublicKey { return p.keys[i] }

// Issuer returns the certificate above Certificates[i], nil where that is an
// anchor without one.
func (p *Path) Issuer(i int) *Certificate {
	if i+1 < len(p.Certificates) {
		return p.Certificates[i+1]
	}
	return p.Anchor.Certificate
}

// PublicKey returns the leaf's key, with the parameters that it inherits.
func (p *Path) PublicKey() cert.PublicKey { return p.keys[0] }
