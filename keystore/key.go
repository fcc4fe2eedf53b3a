package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// Bounds of an RSA key that is generated, in bits.
const (
	MinRSABits     = 2048
	MaxRSABits     = 8192
	DefaultRSABits = 3072
)

// A KeySpec names a kind of key: "rsa-BITS", "p256", "p384", "p521" or
// "ed25519". The zero value is RSA with DefaultRSABits.
type KeySpec struct {
	rsaBits int            // of RSA; 0 with a curve or with ed25519
	curve   elliptic.Curve // nil with RSA and Ed25519
	ed25519 bool
}

// ParseKeySpec reads the name of a kind of key.
func ParseKeySpec(s string) (KeySpec, error) {
	switch name := strings.ToLower(s); name {
	case "rsa":
		return KeySpec{rsaBits: DefaultRSABits}, nil
	case "p256":
		return KeySpec{curve: elliptic.P256()}, nil
	case "p384":
		return KeySpec{curve: elliptic.P384()}, nil
	case "p521":
		return KeySpec{curve: elliptic.P521()}, nil
	case "ed25519":
		return KeySpec{ed25519: true}, nil
	default:
		if number, ok := strings.CutPrefix(name, "rsa-"); ok {
			bits, err := strconv.Atoi(number)
			if err == nil && bits >= MinRSABits && bits <= MaxRSABits && bits%8 == 0 {
				return KeySpec{rsaBits: bits}, nil
			}
			return KeySpec{}, fmt.Errorf("key %q: an RSA key has %d to %d bits, a multiple of 8", s, MinRSABits, MaxRSABits)
		}
	}
	return KeySpec{}, fmt.Errorf("key %q is not known: use rsa-2048 to rsa-8192, p256, p384, p521 or ed25519", s)
}

// String returns the name that ParseKeySpec reads.
func (k KeySpec) String() string {
	switch {
	case k.ed25519:
		return "ed25519"
	case k.curve != nil:
		return "p" + strconv.Itoa(k.curve.Params().BitSize)
	default:
		return "rsa-" + strconv.Itoa(k.RSABits())
	}
}

// RSABits returns the length of an RSA key; 0 for other kinds.
func (k KeySpec) RSABits() int {
	switch {
	case k.ed25519 || k.curve != nil:
		return 0
	case k.rsaBits == 0:
		return DefaultRSABits
	default:
		return k.rsaBits
	}
}

// Set implements pflag.Value.
func (k *KeySpec) Set(s string) (err error) {
	*k, err = ParseKeySpec(s)
	return err
}

// Type implements pflag.Value.
func (*KeySpec) Type() string { return "kind" }

// GenerateKey makes a private key. What it returns signs, and can be stored
// with AddKey or AddRequest; it does not give the key away.
func GenerateKey(spec KeySpec) (crypto.Signer, error) {
	var (
		key crypto.Signer
		err error
	)
	switch {
	case spec.ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case spec.curve != nil:
		key, err = ecdsa.GenerateKey(spec.curve, rand.Reader)
	case spec.rsaBits == 0:
		key, err = rsa.GenerateKey(rand.Reader, DefaultRSABits)
	default:
		key, err = rsa.GenerateKey(rand.Reader, spec.rsaBits)
	}
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	return &signer{hide(key)}, nil
}

// A signer uses a private key without giving it away.
type signer struct{ key hidden[crypto.Signer] }

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.key().Public() }

// Sign implements crypto.Signer.
func (s *signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key().Sign(random, digest, opts)
}

// redactedKey stands wherever a key is printed.
const redactedKey = "[private key]"

// Format implements fmt.Formatter: no verb prints the key.
func (*signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedKey) }

// LogValue implements slog.LogValuer.
func (*signer) LogValue() slog.Value { return slog.StringValue(redactedKey) }

// MarshalText implements encoding.TextMarshaler.
func (*signer) MarshalText() ([]byte, error) { return []byte(redactedKey), nil }

// parseKey makes a signer of a PKCS#8 key.
func parseKey(der []byte) (*signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The parser's text could hold a part of the key.
		kind, err := privateKeyType(der)
		if err != nil {
			return nil, fmt.Errorf("the private key cannot be used: %w", err)
		}
		return nil, fmt.Errorf("the private key cannot be used: keys of type %s are not known, or this one is not valid", kind)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return &signer{hide(key.(crypto.Signer))}, nil
	default:
		return nil, fmt.Errorf("a private key of type %T cannot sign", key)
	}
}

// marshalKey returns the PKCS#8 form of a key from GenerateKey, or of one of the
// standard library's own.
func marshalKey(key crypto.Signer) ([]byte, error) {
	if s, ok := key.(*signer); ok {
		key = s.key()
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("a private key that is not in memory cannot be stored")
	}
	return der, nil
}

// samePublic reports whether two public keys are the same one.
func samePublic(a, b crypto.PublicKey) bool {
	x, errX := x509.MarshalPKIXPublicKey(a)
	y, errY := x509.MarshalPKIXPublicKey(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
