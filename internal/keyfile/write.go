package keyfile

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pbe"
)

// ErrEmptyPassword is a new password without a character.
var ErrEmptyPassword = errors.New("the password for the private key is empty")

// Encrypt encrypts a PKCS#8 key under a password and returns the
// EncryptedPrivateKeyInfo, DER, for a PEM block of TypeEncrypted. The scheme is
// that of pbe.Sealer.
func Encrypt(key, password []byte) ([]byte, error) {
	if len(password) == 0 {
		return nil, ErrEmptyPassword
	}
	p, err := pbe.NewPassword(password)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	sealer, err := pbe.NewSealer(p)
	if err != nil {
		return nil, err
	}
	return Seal(key, sealer)
}

// Seal does the same as Encrypt for many keys under one password, which then
// costs one derivation for all.
func Seal(key []byte, sealer *pbe.Sealer) ([]byte, error) {
	alg, ciphertext, err := sealer.Seal(key)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// Traditional returns a PKCS#8 key, RSA or EC, in the form of old OpenSSL, and
// the type of PEM block that it goes into. It is not encrypted: the way in which
// such blocks are is too weak to be written. Other keys are ErrUnsupported.
func Traditional(key []byte) (blockType string, der []byte, err error) {
	k, err := parsePKCS8(key)
	if err != nil {
		return "", nil, err
	}
	if err := k.check(); err != nil {
		return "", nil, err
	}
	switch {
	case k.algorithm.Equal(oidRSA):
		return typeRSA, append([]byte{}, k.private...), nil
	case k.algorithm.Equal(oidEC):
		inner, ok := readEC(k.private)
		if !ok {
			return "", nil, ErrDamaged
		}
		inner.params = k.params
		if inner.public == nil {
			inner.public = k.publicEC()
		}
		der, err := writeEC(inner)
		return typeEC, der, err
	default:
		return "", nil, fmt.Errorf("%w: only RSA and EC keys have a traditional form", ErrUnsupported)
	}
}
