package suite_test

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"testing"

	"keyman/ike/suite"
)

func TestHash(t *testing.T) {
	for _, c := range []struct {
		hash suite.Hash
		name string
		size int
		abc  string // of "abc": RFC 1321, A.5; FIPS 180-2, appendices
		mac  string // key "Jefe": RFC 2202, 2 and 3; RFC 4231, 4.3
	}{
		{suite.MD5, "md5", 16, "900150983cd24fb0d6963f7d28e17f72", "750c783e6ab0b503eaa86e310a5db738"},
		{suite.SHA1, "sha1", 20, "a9993e364706816aba3e25717850c26c9cd0d89d", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{suite.SHA256, "sha256", 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{suite.SHA384, "sha384", 48, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
		{suite.SHA512, "sha512", 64, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
	} {
		if c.hash.String() != c.name || c.hash.Size() != c.size || !c.hash.Known() {
			t.Errorf("%s has %d bytes", c.hash, c.hash.Size())
		}
		if got := hex.EncodeToString(c.hash.Sum([]byte("a"), nil, []byte("bc"))); got != c.abc {
			t.Errorf("%s of abc is %s", c.hash, got)
		}
		if got := hex.EncodeToString(c.hash.MAC([]byte("Jefe"), []byte("what do ya want "), []byte("for nothing?"))); got != c.mac {
			t.Errorf("HMAC with %s is %s", c.hash, got)
		}
	}
	for _, h := range []suite.Hash{0, 3, 7, 65535} {
		if h.Known() {
			t.Errorf("hash %d is known as %s", uint16(h), h)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s can be used", h)
				}
			}()
			h.New()
		}()
	}
}

func TestExpandKey(t *testing.T) {
	skeyid := []byte("0123456789abcdef")
	h := suite.MD5
	k1 := h.MAC(skeyid, []byte{0})
	k2 := h.MAC(skeyid, k1)
	long := append(bytes.Clone(k1), k2...)
	for _, c := range []struct {
		n    int
		want []byte
	}{
		{0, nil},
		{8, skeyid[:8]},
		{16, skeyid},    // just long enough: used as it is
		{17, long[:17]}, // RFC 2409, appendix B: K1 | K2, not SKEYID_e | K1
		{24, long[:24]},
		{32, long},
	} {
		if got := suite.ExpandKey(h, skeyid, c.n); !bytes.Equal(got, c.want) {
			t.Errorf("%d bytes: %x, want %x", c.n, got, c.want)
		}
	}
	key := suite.ExpandKey(h, skeyid, 16)
	clear(key)
	if string(skeyid) != "0123456789abcdef" {
		t.Error("the key shares its memory with SKEYID_e")
	}
}

func TestCipher(t *testing.T) {
	for _, c := range []struct {
		transform   suite.Transform
		key, block  int
		in, out, by string // by: the key
	}{
		// FIPS 197, appendix C.
		{suite.Transform{Encryption: suite.AES, KeyBits: 128}, 16, 16, "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a", "000102030405060708090a0b0c0d0e0f"},
		{suite.Transform{Encryption: suite.AES, KeyBits: 192}, 24, 16, "00112233445566778899aabbccddeeff", "dda97ca4864cdfe06eaf70a0ec0d7191", "000102030405060708090a0b0c0d0e0f1011121314151617"},
		{suite.Transform{Encryption: suite.AES, KeyBits: 256}, 32, 16, "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
		// NIST SP 800-67, B.1: the first block.
		{suite.Transform{Encryption: suite.TripleDES}, 24, 8, "5468652071756663", "a826fd8ce53b855f", "0123456789abcdef23456789abcdef01456789abcdef0123"},
	} {
		if c.transform.KeyLen() != c.key || c.transform.BlockLen() != c.block {
			t.Errorf("%s: key of %d, block of %d bytes", c.transform, c.transform.KeyLen(), c.transform.BlockLen())
		}
		block, err := c.transform.NewCipher(unhex(t, c.by))
		if err != nil {
			t.Error(err)
			continue
		}
		out := make([]byte, c.block)
		block.Encrypt(out, unhex(t, c.in))
		if hex.EncodeToString(out) != c.out || block.BlockSize() != c.block {
			t.Errorf("%s: %x, want %s", c.transform, out, c.out)
		}
		if cipher.NewCBCEncrypter(block, make([]byte, c.block)).BlockSize() != c.block {
			t.Errorf("%s does not fit CBC", c.transform)
		}
		for _, n := range []int{0, c.key - 1, c.key + 1} {
			if _, err := c.transform.NewCipher(make([]byte, n)); err == nil {
				t.Errorf("%s takes a key of %d bytes", c.transform, n)
			}
		}
	}
	for _, bad := range []suite.Transform{
		{}, {Encryption: suite.DES}, {Encryption: suite.AES}, {Encryption: suite.AES, KeyBits: 64},
		{Encryption: suite.TripleDES, KeyBits: 192}, {Encryption: 6, KeyBits: 128},
	} {
		if _, err := bad.NewCipher(make([]byte, 16)); err == nil || bad.KeyLen() != 0 || bad.BlockLen() != 0 {
			t.Errorf("%s gives a cipher with a key of %d bytes", bad, bad.KeyLen())
		}
	}
}
