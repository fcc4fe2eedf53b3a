package crl

import (
	"fmt"
	"time"

	"keyman/crl/certpath"
)

// A Revocation says how much a check demands of revocation lists.
type Revocation int

const (
	// Strict demands a current list for every certificate below the anchor.
	// It is the zero value: a policy that says nothing fails closed.
	Strict Revocation = iota
	// IfURI demands a list only of a certificate that names a source.
	IfURI
	// Relaxed accepts a certificate about which no list could be had, with
	// a warning in the verdict. A list that is signed by the issuer and says
	// revoked still counts, also where it could not say good: one out of
	// date, of the future, for other certificates, with entries of other
	// issuers, or with a critical extension unknown here.
	Relaxed
	// Off asks for no list at all.
	Off
)

var revocationNames = [...]string{Strict: "strict", IfURI: "ifuri", Relaxed: "relaxed", Off: "off"}

// String returns the word used in settings and on the command line.
func (r Revocation) String() string {
	if r < 0 || int(r) >= len(revocationNames) {
		return fmt.Sprintf("Revocation(%d)", int(r))
	}
	return revocationNames[r]
}

// MarshalText implements encoding.TextMarshaler.
func (r Revocation) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it accepts the four words
// and nothing else.
func (r *Revocation) UnmarshalText(text []byte) error {
	for i, name := range revocationNames {
		if string(text) == name {
			*r = Revocation(i)
			return nil
		}
	}
	return fmt.Errorf("revocation %q is not known: use strict, ifuri, relaxed or off", text)
}

// DefaultTimeout bounds a whole check. It lies below the patience of IKE peers,
// which give up a negotiation after some 30 to 165 seconds.
const DefaultTimeout = 20 * time.Second

// A Policy says what one check demands.
type Policy struct {
	// Anchors are the trusted CA certificates, DER. A check without an
	// anchor never accepts anything.
	Anchors [][]byte
	// Revocation is how much is demanded of revocation lists.
	Revocation Revocation
	// Time is the instant that the check is made for; zero is now.
	Time time.Time
	// Timeout bounds the check with all its fetches; zero is DefaultTimeout.
	Timeout time.Duration
	// AllowWeak accepts certificates and lists signed with SHA-1, and RSA and DSA
	// keys from MinWeakBits on, where otherwise every key of a path must have
	// MinBits. ECDSA keys below MinCurveBits are refused in any case.
	AllowWeak bool
	// Grace is how long after its nextUpdate a list still counts.
	Grace time.Duration
	// MaxAge is how long after its thisUpdate a list counts at most; zero is as
	// long as it says itself.
	MaxAge time.Duration
	// Purpose is what the certificate is to be used for; zero is anything.
	Purpose certpath.Purpose
	// Identity is whom the certificate must stand for; zero is anybody.
	Identity certpath.Identity
	// Policies are the certificate policies of which one will do; none is any.
	// ExplicitPolicy demands that the path is valid for one, InhibitMapping and
	// InhibitAnyPolicy are those of RFC 5280, 6.1.1 (e) and (g).
	Policies                                         []certpath.OID
	ExplicitPolicy, InhibitMapping, InhibitAnyPolicy bool
}
