package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// Sign makes the body of a signature payload over HASH_I or HASH_R with a key of
// the method. RSA signs the hash with PKCS #1 v1.5 padding and without a DigestInfo
// (RFC 2409, 5.1); ECDSA gives r and s, each as long as the curve's order
// (RFC 4754, 7).
func (m AuthMethod) Sign(rand io.Reader, key crypto.Signer, hash []byte) ([]byte, error) {
	if err := m.CheckKey(key.Public()); err != nil {
		return nil, err
	}
	curve := m.Curve()
	if curve == nil {
		return key.Sign(rand, hash, crypto.Hash(0))
	}
	der, err := key.Sign(rand, hash, ecdsaHash[m])
	if err != nil {
		return nil, err
	}
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) != 0 || pair.R.Sign() <= 0 || pair.S.Sign() <= 0 {
		return nil, errors.New("suite: what the key made is no ECDSA signature")
	}
	n := m.coordinate()
	if max(pair.R.BitLen(), pair.S.BitLen()) > 8*n {
		return nil, fmt.Errorf("suite: the key made a signature that is too large for %v", m)
	}
	signature := make([]byte, 2*n)
	pair.R.FillBytes(signature[:n])
	pair.S.FillBytes(signature[n:])
	return signature, nil
}

// ecdsaHash are the hashes of the ECDSA methods as the signer's options want them.
var ecdsaHash = map[AuthMethod]crypto.Hash{ECDSA256: crypto.SHA256, ECDSA384: crypto.SHA384, ECDSA521: crypto.SHA512}

// coordinate is the length of r and of s, in bytes.
func (m AuthMethod) coordinate() int { return (m.Curve().Params().N.BitLen() + 7) / 8 }

// ErrSignature is a signature that the key did not make.
var ErrSignature = errors.New("the signature is wrong")

// Verify checks the body of a signature payload. ErrSignature says that the key
// did not make it, any other error that the key is not one of the method's.
func (m AuthMethod) Verify(key crypto.PublicKey, hash, signature []byte) error {
	if err := m.CheckKey(key); err != nil {
		return err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(key, 0, hash, signature) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		n := m.coordinate()
		if len(signature) != 2*n {
			return fmt.Errorf("%w: %d bytes, %v has %d", ErrSignature, len(signature), m, 2*n)
		}
		r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
		if ecdsa.Verify(key, hash, r, s) {
			return nil
		}
	}
	return ErrSignature
}

// CheckKey tells why a public key is not one of the method's.
func (m AuthMethod) CheckKey(key crypto.PublicKey) error {
	curve := m.Curve()
	switch key := key.(type) {
	case *rsa.PublicKey:
		if m == RSASignature {
			return nil
		}
		return fmt.Errorf("the key is RSA: %v needs %s", m, m.keyWord())
	case *ecdsa.PublicKey:
		if curve != nil && key.Curve == curve {
			return nil
		}
		return fmt.Errorf("the key is ECDSA on %s: %v needs %s", key.Curve.Params().Name, m, m.keyWord())
	}
	return fmt.Errorf("the key is %T: %v needs %s", key, m, m.keyWord())
}

// keyWord names the keys of the method.
func (m AuthMethod) keyWord() string {
	if curve := m.Curve(); curve != nil {
		return "an ECDSA key on " + curve.Params().Name
	}
	return "an RSA key"
}
