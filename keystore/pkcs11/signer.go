package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"io"
	"log/slog"
	"math/big"

	"keyman/keystore"
)

// redacted stands wherever a signer is printed.
const redacted = "[private key on a token]"

// A signer uses a private key on a token.
type signer struct {
	token  *Token
	handle uint
	label  string
	public crypto.PublicKey
}

// Signer returns the use of a private key of the token. It returns keystore.ErrNoKey
// for an entry without one, and ErrMechanism for a key that is neither RSA nor ECDSA
// on P-256, P-384 or P-521.
//
// RSA signs by PKCS#1 v1.5, with the hash function of the options, or, for
// crypto.Hash(0), what it is given as it is: that is the signature of IKEv1 (RFC 2409,
// 5.1). ECDSA signs a hash.
func (t *Token) Signer(e Entry) (crypto.Signer, error) {
	if e.key == nil {
		return nil, &keystore.EntryError{Label: e.Label, Err: keystore.ErrNoKey}
	}
	switch e.Public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return &signer{token: t, handle: e.key.handle, label: e.Label, public: e.Public}, nil
	default:
		return nil, &keystore.EntryError{Label: e.Label, Err: ErrMechanism, Detail: "its public key is not known, or of another kind than RSA and ECDSA"}
	}
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer. The token has its own randomness. A signature is
// verified before it is given away: one that went wrong in the token's arithmetic would
// tell the private key of RSA to everybody, and which public key belongs to a key is
// sometimes only known from a certificate beside it.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.sign(digest, opts)
	if err != nil {
		return nil, &TokenError{Op: fmt.Sprintf("sign with %q on token", s.label), Token: s.token.name, Err: err}
	}
	return signature, nil
}

func (s *signer) sign(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := opts.HashFunc()
	if hash != 0 && len(digest) != hash.Size() {
		return nil, fmt.Errorf("the hash has %d bytes, not the %d of %v", len(digest), hash.Size(), hash)
	}
	switch public := s.public.(type) {
	case *rsa.PublicKey:
		if _, ok := opts.(*rsa.PSSOptions); ok {
			return nil, fmt.Errorf("%w: signatures by RSA-PSS", ErrMechanism)
		}
		data, err := digestInfo(hash, digest)
		if err != nil {
			return nil, err
		}
		signature, err := s.token.driver.sign(s.handle, rsaPKCS, data)
		if err != nil {
			return nil, err
		}
		if err := rsa.VerifyPKCS1v15(public, hash, digest, signature); err != nil {
			return nil, ErrSignature
		}
		return signature, nil
	case *ecdsa.PublicKey:
		// The leftmost bits of the hash, no more than the order has (FIPS 186-5,
		// 6.4.1): some tokens refuse more.
		size := (public.Curve.Params().BitSize + 7) / 8
		raw, err := s.token.driver.sign(s.handle, ecdsaRaw, digest[:min(len(digest), size)])
		if err != nil {
			return nil, err
		}
		signature, err := ecdsaDER(raw)
		if err != nil {
			return nil, err
		}
		if !ecdsa.VerifyASN1(public, digest, signature) {
			return nil, ErrSignature
		}
		return signature, nil
	}
	return nil, ErrMechanism
}

// hashOID returns the identifier of a hash function in a DigestInfo (RFC 8017, B.1);
// nil for another one.
func hashOID(hash crypto.Hash) asn1.ObjectIdentifier {
	switch hash {
	case crypto.SHA1:
		return asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	case crypto.SHA256:
		return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	case crypto.SHA384:
		return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	case crypto.SHA512:
		return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	default:
		return nil
	}
}

// digestInfo returns what PKCS#1 v1.5 pads (RFC 8017, 9.2).
func digestInfo(hash crypto.Hash, digest []byte) ([]byte, error) {
	if hash == 0 {
		return digest, nil
	}
	oid := hashOID(hash)
	if oid == nil {
		return nil, fmt.Errorf("%w: signatures with %v", ErrMechanism, hash)
	}
	type algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	return asn1.Marshal(struct {
		Algorithm algorithm
		Digest    []byte
	}{algorithm{oid, asn1.NullRawValue}, digest})
}

// ecdsaDER makes Ecdsa-Sig-Value (RFC 3279, 2.2.3) of r and s.
func ecdsaDER(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, fmt.Errorf("%w: it gave a signature of %d bytes", ErrModule, len(raw))
	}
	half := len(raw) / 2
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}

// curveOID returns the identifier of a curve by the name that keystore.KeySpec has
// for it, DER; nil for others.
func curveOID(name string) []byte {
	var oid asn1.ObjectIdentifier
	switch name {
	case "p256":
		oid = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	case "p384":
		oid = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	case "p521":
		oid = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
	default:
		return nil
	}
	der, err := asn1.Marshal(oid)
	if err != nil {
		return nil
	}
	return der
}

// Format implements fmt.Formatter.
func (*signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (*signer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler.
func (*signer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
