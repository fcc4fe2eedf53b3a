package cert

import (
	"crypto/dsa" //nolint:staticcheck // old certificates, and NIST's suite, have such keys
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // registered for Scheme.Hash
	"crypto/rsa"
	_ "crypto/sha1" // registered for Scheme.Hash
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// MaxVerifyBits is the longest RSA modulus by which signatures are
	// checked: the time grows with its square.
	MaxVerifyBits = 8192
	// maxDSABits and maxSubgroupBits are the longest numbers of FIPS 186-4, 4.2.
	maxDSABits      = 3072
	maxSubgroupBits = 256
)

// ErrSignature is in the error of CheckSignature where all is known and the
// signature is wrong.
var ErrSignature = errors.New("the signature is wrong")

// CheckSignature returns nil where key made signature over signed, the DER
// encoding of a certificate's or list's signed part. Weak algorithms and short
// keys are checked like others, except that crypto/rsa knows no key of less than
// 1024 bits: the caller asks Scheme.Weak and PublicKey.Bits.
func CheckSignature(a Algorithm, key PublicKey, signed, signature []byte) error {
	s, err := a.Scheme()
	if err != nil {
		return err
	}
	digest := signed
	if s.Hash != 0 {
		h := s.Hash.New()
		h.Write(signed)
		digest = h.Sum(nil)
	}
	return CheckDigest(a, key, digest, signature)
}

// CheckDigest is CheckSignature for a caller who has the digest of the signed
// part, by Scheme.Hash, or the part itself where the scheme has no hash.
func CheckDigest(a Algorithm, key PublicKey, digest, signature []byte) error {
	s, err := a.Scheme()
	if err != nil {
		return err
	}
	if key.Kind != s.Key && (key.Kind != RSAPSS || !s.PSS) {
		return fmt.Errorf("a signature by %s, and a key for %s", s, key.Kind)
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return checkRSA(s, key.limit, k, digest, signature)
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(k, digest, signature) {
			return nil
		}
	case ed25519.PublicKey:
		if ed25519.Verify(k, digest, signature) {
			return nil
		}
	case *dsa.PublicKey:
		return checkDSA(k, digest, signature)
	}
	return ErrSignature
}

func checkRSA(s Scheme, limit *Scheme, key *rsa.PublicKey, digest, signature []byte) error {
	if bits := key.N.BitLen(); bits > MaxVerifyBits {
		return fmt.Errorf("the RSA key has %d bits, more than %d", bits, MaxVerifyBits)
	}
	var err error
	switch {
	case !s.PSS:
		err = rsa.VerifyPKCS1v15(key, s.Hash, digest, signature)
	case limit != nil && (s.Hash != limit.Hash || s.SaltLength < limit.SaltLength):
		// RFC 4055, 3.3.
		return fmt.Errorf("a signature by %s with a salt of %d, and a key for %s with at least %d", s, s.SaltLength, *limit, limit.SaltLength)
	default:
		// For a salt of 0 octets crypto/rsa accepts one of any length.
		err = rsa.VerifyPSS(key, s.Hash, digest, signature, &rsa.PSSOptions{SaltLength: s.SaltLength})
	}
	if err != nil && !errors.Is(err, rsa.ErrVerification) {
		return fmt.Errorf("RSA: %w", err)
	}
	if err != nil {
		return ErrSignature
	}
	return nil
}

// checkDSA checks Dss-Sig-Value (RFC 3279, 2.2.2).
func checkDSA(key *dsa.PublicKey, digest, signature []byte) error {
	if key.P == nil {
		return errors.New("the DSA key has no parameters")
	}
	if p, q := key.P.BitLen(), key.Q.BitLen(); p > maxDSABits || q > maxSubgroupBits || q%8 != 0 {
		return fmt.Errorf("the DSA key has a modulus of %d and a subgroup of %d bits, more than %d and %d", p, q, maxDSABits, maxSubgroupBits)
	}
	one := big.NewInt(1)
	if key.G.Cmp(one) <= 0 || key.G.Cmp(key.P) >= 0 || key.Y.Cmp(one) <= 0 || key.Y.Cmp(key.P) >= 0 {
		return errors.New("the DSA key has a number out of range")
	}
	input := cryptobyte.String(signature)
	var pair cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !input.ReadASN1(&pair, cbasn1.SEQUENCE) || !input.Empty() ||
		!pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) || !pair.Empty() {
		return ErrSignature
	}
	// FIPS 186-4, 4.6: the leftmost bits of the digest.
	digest = digest[:min(len(digest), key.Q.BitLen()/8)]
	if !dsa.Verify(key, digest, r, s) {
		return ErrSignature
	}
	return nil
}

// CheckSignatureBy returns nil where key signed the certificate, as its copies
// of the algorithm agree to say (RFC 5280, 4.1.1.2).
func (c *Certificate) CheckSignatureBy(key PublicKey) error {
	switch {
	case c.Has(FlawAlgorithmsDiffer):
		return errors.New("the algorithm that is signed and the one outside differ")
	case c.Has(FlawSignatureUnusedBits):
		return ErrSignature
	}
	return CheckSignature(c.Algorithm, key, c.RawTBS, c.Signature)
}
