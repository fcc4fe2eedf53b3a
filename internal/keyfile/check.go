package keyfile

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// RFC 8410, 3.
var (
	oidX25519  = asn1.ObjectIdentifier{1, 3, 101, 110}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// check reports a key whose parts contradict each other, where its type is
// known.
func (k pkcs8) check() error {
	switch {
	case k.algorithm.Equal(oidRSA), k.algorithm.Equal(oidRSAPSS):
		return checkRSA(k.private)
	case k.algorithm.Equal(oidEC):
		return k.checkEC()
	case k.algorithm.Equal(oidDSA):
		_, err := k.dsa()
		return err
	case k.algorithm.Equal(oidEd25519), k.algorithm.Equal(oidX25519):
		public := k.public25519()
		if public == nil {
			return fmt.Errorf("%w: not a key of 32 bytes", ErrDamaged)
		}
		if k.public != nil && !bytes.Equal(k.public, public) {
			return inconsistent("Curve25519")
		}
	}
	return nil
}

// public25519 computes the public key (RFC 8410, 7); nil where the key is not
// one.
func (k pkcs8) public25519() []byte {
	private := k.private
	var secret cryptobyte.String
	if !private.ReadASN1(&secret, cbasn1.OCTET_STRING) || !private.Empty() || len(secret) != ed25519.SeedSize {
		return nil
	}
	if k.algorithm.Equal(oidEd25519) {
		return ed25519.NewKeyFromSeed(secret)[ed25519.SeedSize:]
	}
	key, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		return nil
	}
	return key.PublicKey().Bytes()
}

// Public returns the bits of the public key of a PKCS#8 key, as they are in the
// SubjectPublicKeyInfo of its certificate (RFC 5280, 4.1.2.7). It returns nil
// where the type of the key is not known and the key does not say them itself.
func Public(der []byte) []byte {
	k, err := parsePKCS8(der)
	if err != nil {
		return nil
	}
	switch {
	case k.algorithm.Equal(oidRSA), k.algorithm.Equal(oidRSAPSS):
		return publicRSA(k.private)
	case k.algorithm.Equal(oidEC):
		return k.publicEC()
	case k.algorithm.Equal(oidDSA):
		return k.publicDSA()
	case k.algorithm.Equal(oidEd25519), k.algorithm.Equal(oidX25519):
		return k.public25519()
	default:
		return k.public
	}
}
