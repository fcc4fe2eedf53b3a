package certpath

import (
	"crypto"
	"errors"
	"fmt"

	"keyman/internal/cert"
)

// A signing is one signature and the key that is to have made it.
type signing struct {
	signed *Certificate
	issuer string // the key's ID
}

// errLimit is what signature returns where no more may be checked.
var errLimit = errors.New("too many signatures")

// signature checks a certificate's signature by a key, once.
func (s *search) signature(n *node, key cert.PublicKey) error {
	at := signing{n.cert, key.ID()}
	if err, known := s.signatures[at]; known {
		return err
	}
	if s.checks == MaxSignatureChecks {
		return errLimit
	}
	s.checks++
	err := n.cert.CheckSignatureBy(key)
	s.signatures[at] = err
	return err
}

// badSignature makes a Failure of what signature returned.
func badSignature(n *node, err error) *Failure {
	switch {
	case errors.Is(err, errLimit):
		return fail(CodeLimit, n.cert, fmt.Sprintf("%d signatures", MaxSignatureChecks))
	case errors.Is(err, cert.ErrSignature):
		return fail(CodeBadSignature, n.cert, "")
	}
	f := fail(CodeBadSignature, n.cert, "")
	f.Err = err
	return f
}

// CheckSignature returns why a signature's algorithm is too weak, nil where it
// is strong enough or not known at all: then it cannot be checked.
func (s Strength) CheckSignature(a cert.Algorithm) error {
	scheme, err := a.Scheme()
	if err != nil {
		return nil
	}
	if scheme.Hash == crypto.MD5 && !s.AllowMD5 || scheme.Hash == crypto.SHA1 && !s.AllowSHA1 {
		return fmt.Errorf("signed with %s", scheme)
	}
	return nil
}

// CheckKey returns why a key is too short, nil where it is long enough. A key
// without parameters, which it will inherit, is not judged.
func (s Strength) CheckKey(key cert.PublicKey) error {
	least := 0
	switch key.Kind {
	case cert.RSA, cert.RSAPSS, cert.DSA:
		if least = s.MinBits; least == 0 {
			least = DefaultMinBits
		}
	case cert.ECDSA:
		if least = s.MinCurveBits; least == 0 {
			least = DefaultMinCurveBits
		}
	}
	if bits := key.Bits(); key.Complete() && bits < least {
		return fmt.Errorf("%s with %d bits, and not %d", key.Kind, bits, least)
	}
	return nil
}

// weak returns why a certificate's signature or key is too weak.
func (s Strength) weak(n *node) *Failure {
	if err := s.CheckSignature(n.cert.Algorithm); err != nil {
		return fail(CodeWeakSignature, n.cert, err.Error())
	}
	if err := s.CheckKey(n.key); err != nil {
		return fail(CodeWeakKey, n.cert, err.Error())
	}
	return nil
}
