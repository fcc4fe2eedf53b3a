package pbe

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// TestPBKDF1 compares with one computed by hand: two iterations are a hash of a
// hash.
func TestPBKDF1(t *testing.T) {
	first := sha1.Sum([]byte("passwordsaltsalt"))
	second := sha1.Sum(first[:])
	if got := pbkdf1(sha1.New(), []byte("password"), []byte("saltsalt"), 2, 16); !bytes.Equal(got, second[:16]) {
		t.Errorf("two iterations: %x; want %x", got, second[:16])
	}
	once := md5.Sum([]byte("passwordsaltsalt"))
	if got := pbkdf1(md5.New(), []byte("password"), []byte("saltsalt"), 1, 16); !bytes.Equal(got, once[:]) {
		t.Errorf("one iteration: %x; want %x", got, once)
	}
}

// TestDEKKey has what OpenSSL 3.0 says:
// openssl enc -aes-256-cbc -md md5 -k password -S 0102030405060708 -P.
func TestDEKKey(t *testing.T) {
	const want = "E7B0971E52CA5CC8D0539FB3412F6316F7BA2E6EE293D9F3457B99436B51CE02"
	if got := dekKey([]byte("password"), unhex(t, "0102030405060708"), 32); !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%X; want %s", got, want)
	}
}

func TestDecryptPEMRefuses(t *testing.T) {
	tests := map[string]struct {
		info string
		want error
	}{
		"no header":        {"", ErrUnsupported},
		"unknown cipher":   {"IDEA-CBC,0102030405060708", ErrUnsupported},
		"no vector":        {"AES-128-CBC", ErrMalformed},
		"no digits":        {"AES-128-CBC,xyz", ErrMalformed},
		"a short vector":   {"AES-128-CBC,0102030405060708", ErrMalformed},
		"a shorter vector": {"DES-CBC,01", ErrMalformed},
		"a long vector":    {"DES-CBC,000102030405060708090a0b0c0d0e0f", ErrMalformed},
		"half a block":     {"DES-CBC,0102030405060708", ErrDecrypt},
	}
	for name, test := range tests {
		if _, err := NewOpener(password(t, "x"), Limits{}).DecryptPEM(test.info, make([]byte, 7)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
}

// scryptParams writes PBES2-params around scrypt-params; negative numbers are
// left out.
func scryptParams(numbers ...int64) []byte {
	var b cryptobyte.Builder
	addAlgorithm(&b, oidPBES2, func(b *cryptobyte.Builder) {
		b.AddASN1(0x30, func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidScrypt, func(b *cryptobyte.Builder) {
				b.AddASN1(0x30, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString([]byte("NaCl"))
					for _, n := range numbers {
						b.AddASN1Int64(n)
					}
				})
			})
			aes256(b)
		})
	})
	return b.BytesOrPanic()
}

// TestScrypt uses the second vector of RFC 7914, 12, as far as a key goes.
func TestScrypt(t *testing.T) {
	const want = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
	opener := NewOpener(password(t, "password"), Limits{})
	if _, err := opener.Decrypt(scryptParams(1024, 8, 16, 32), make([]byte, 16)); err != nil && !bare(err) {
		t.Fatal(err)
	}
	for _, key := range opener.derived {
		if hex.EncodeToString(key) != want {
			t.Errorf("%x; want %s", key, want)
		}
	}
	if len(opener.derived) != 1 || opener.spent != 4*1024*8*16 {
		t.Errorf("%d derivations for %d iterations; want 1 for %d", len(opener.derived), opener.spent, 4*1024*8*16)
	}
}

func TestScryptLimits(t *testing.T) {
	tests := map[string]struct {
		numbers []int64
		want    error
	}{
		"nothing":            {nil, ErrMalformed},
		"N is 0":             {[]int64{0, 8, 1}, ErrMalformed},
		"N is 1":             {[]int64{1, 8, 1}, ErrMalformed},
		"N is odd":           {[]int64{1025, 8, 1}, ErrMalformed},
		"r is 0":             {[]int64{1024, 0, 1}, ErrMalformed},
		"p is 0":             {[]int64{1024, 8, 0}, ErrMalformed},
		"another key length": {[]int64{1024, 8, 1, 16}, ErrMalformed},
		"too many numbers":   {[]int64{1024, 8, 1, 32, 1}, ErrMalformed},
		"N takes memory":     {[]int64{1 << 18, 8, 1}, ErrLimit},
		"N overflows":        {[]int64{1 << 62, 8, 1}, ErrLimit},
		"r takes memory":     {[]int64{2, 1 << 20, 1}, ErrLimit},
		"r overflows":        {[]int64{2, 1 << 62, 1}, ErrLimit},
		"p takes memory":     {[]int64{2, 8, 1 << 18}, ErrLimit},
		"p overflows":        {[]int64{2, 1, 1 << 62}, ErrLimit},
		"p takes time":       {[]int64{1 << 17, 8, 3}, ErrLimit},
	}
	for name, test := range tests {
		if _, err := NewOpener(password(t, "x"), Limits{}).Decrypt(scryptParams(test.numbers...), make([]byte, 16)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
}

func TestPBES1Refuses(t *testing.T) {
	params := func(salt []byte, iterations int64) []byte {
		var b cryptobyte.Builder
		addAlgorithm(&b, pbes1Schemes[0].id, func(b *cryptobyte.Builder) {
			b.AddASN1(0x30, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(salt)
				b.AddASN1Int64(iterations)
			})
		})
		return b.BytesOrPanic()
	}
	var md2 cryptobyte.Builder
	addAlgorithm(&md2, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 1}, addNull)
	tests := map[string]struct {
		alg  []byte
		want error
	}{
		"a short salt":  {params([]byte("salt"), 1), ErrMalformed},
		"no iteration":  {params([]byte("saltsalt"), 0), ErrMalformed},
		"too many":      {params([]byte("saltsalt"), MaxIterations+1), ErrLimit},
		"MD2":           {md2.BytesOrPanic(), ErrUnsupported},
		"another block": {params([]byte("saltsalt"), 1), ErrDecrypt},
	}
	for name, test := range tests {
		if _, err := NewOpener(password(t, "x"), Limits{}).Decrypt(test.alg, make([]byte, 15)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
}
