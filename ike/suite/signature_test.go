package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"testing"
)

// Each method signs and verifies with its own keys, and with no others; no bit of
// a signature or of what is signed may change.
func TestSignatures(t *testing.T) {
	keys := map[AuthMethod]crypto.Signer{}
	for _, m := range []AuthMethod{ECDSA256, ECDSA384, ECDSA521} {
		key, err := ecdsa.GenerateKey(m.Curve(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[m] = key
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys[RSASignature] = key
	lengths := map[AuthMethod]int{RSASignature: 256, ECDSA256: 64, ECDSA384: 96, ECDSA521: 132} // RFC 4754, 7
	for m, key := range keys {
		hash := m.Hash(SHA1).Sum([]byte("HASH_I"))
		signature, err := m.Sign(rand.Reader, key, hash)
		if err != nil || len(signature) != lengths[m] {
			t.Fatalf("%v: %d bytes, %v", m, len(signature), err)
		}
		if err := m.Verify(key.Public(), hash, signature); err != nil {
			t.Errorf("%v: %v", m, err)
		}
		for _, damaged := range [][]byte{signature[1:], append([]byte{0}, signature...), make([]byte, len(signature)), nil} {
			if err := m.Verify(key.Public(), hash, damaged); !errors.Is(err, ErrSignature) {
				t.Errorf("%v: %d damaged bytes: %v", m, len(damaged), err)
			}
		}
		for i := range signature {
			signature[i] ^= 1
			if m.Verify(key.Public(), hash, signature) == nil {
				t.Errorf("%v: byte %d changed, and the signature stands", m, i)
			}
			signature[i] ^= 1
		}
		hash[0] ^= 1
		if m.Verify(key.Public(), hash, signature) == nil {
			t.Errorf("%v: another hash, and the signature stands", m)
		}
		for other, foreign := range keys {
			if other == m {
				continue
			}
			if _, err := m.Sign(rand.Reader, foreign, hash); err == nil {
				t.Errorf("%v signs with a key of %v", m, other)
			}
			if err := m.Verify(foreign.Public(), hash, signature); err == nil || errors.Is(err, ErrSignature) {
				t.Errorf("%v takes a key of %v: %v", m, other, err)
			}
		}
	}
}

// The example of RFC 4754, 8.1: a signature over SHA-256 of "abc".
func TestECDSAVector(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex("04"+
		"2442A5CC0ECD015FA3CA31DC8E2BBC70BF42D60CBCA20085E0822CB04235E970"+
		"6FC98BD7E50211A4A27102FA3549DF79EBCB4BF246B80945CDDFE7D509BBFD7D"))
	if err != nil {
		t.Fatal(err)
	}
	signature := unhex("CB28E0999B9C7715FD0A80D8E47A77079716CBBF917DD72E97566EA1C066957C" +
		"86FA3BB4E26CAD5BF90B7F81899256CE7594BB1EA0C89212748BFF3B3D5B0315")
	if err := ECDSA256.Verify(key, SHA256.Sum([]byte("abc")), signature); err != nil {
		t.Error(err)
	}
}
