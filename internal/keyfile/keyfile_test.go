package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ssh"

	"keyman/internal/pemtext"

	"keyman/internal/testpeer"
)

// samplePassword opens the files in testdata; see README.md there.
const samplePassword = "password"

func given(text string) Ask {
	return func(string) ([]byte, error) { return []byte(text), nil }
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// samples lists the files of testdata with a key that is read.
func samples(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.pem", "*.der"} {
		found, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if name := filepath.Base(path); name != "fresh-openssh-chacha.pem" {
				names = append(names, name)
			}
		}
	}
	if len(names) < 40 {
		t.Fatalf("only %d files in testdata", len(names))
	}
	return names
}

// encrypted reports whether a sample is encrypted, by the words in it.
func encrypted(name string, data []byte) bool {
	return bytes.Contains(data, []byte("ENCRYPTED")) || strings.Contains(name, "pbes2-der") ||
		strings.Contains(name, "bcrypt") || strings.Contains(name, "cbc")
}

// TestOtherProgramsFiles reads every form: the same key comes out of all its
// files, byte for byte.
func TestOtherProgramsFiles(t *testing.T) {
	testpeer.Long(t)
	for _, name := range samples(t) {
		t.Run(name, func(t *testing.T) {
			data := sample(t, name)
			asked := 0
			got, err := Parse(data, func(string) ([]byte, error) {
				asked++
				return []byte(samplePassword), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			base, _, _ := strings.Cut(strings.TrimSuffix(name, filepath.Ext(name)), "-")
			switch {
			case base == "fresh":
				public, _, _, _, err := ssh.ParseAuthorizedKey(sample(t, "fresh.pub"))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasSuffix(public.Marshal(), Public(got)) || len(Public(got)) != 32 {
					t.Error("another public key than ssh-keygen's")
				}
			case !bytes.Equal(canonical(t, got), sample(t, base+".der")):
				t.Errorf("another key than that of %s.der", base)
			}
			want := 0
			if encrypted(name, data) {
				want = 1
			}
			if asked != want {
				t.Errorf("asked %d times for a password; want %d", asked, want)
			}
			if want == 0 {
				return
			}
			if _, err := Parse(data, given("Password")); !errors.Is(err, ErrPassword) {
				t.Errorf("a wrong password: %v; want ErrPassword", err)
			}
			if _, err := Parse(data, given("")); !errors.Is(err, ErrPassword) {
				t.Errorf("an empty password: %v; want ErrPassword", err)
			}
			none := func(string) ([]byte, error) { return nil, nil }
			if _, err := Parse(data, none); !errors.Is(err, ErrNoPassword) {
				t.Errorf("no password: %v; want ErrNoPassword", err)
			}
			if _, err := Parse(data, nil); !errors.Is(err, ErrNoPassword) {
				t.Errorf("nobody to ask: %v; want ErrNoPassword", err)
			}
			refusal := errors.New("the user pressed Ctrl-C")
			if _, err := Parse(data, func(string) ([]byte, error) { return nil, refusal }); !errors.Is(err, refusal) {
				t.Errorf("a refusal: %v", err)
			}
			if _, err := Parse(data, given("\xff")); !errors.Is(err, ErrPassword) {
				t.Errorf("a password that is not UTF-8: %v; want ErrPassword", err)
			}
		})
	}
}

// canonical makes the point of an EC key uncompressed, which one sample has not.
func canonical(t testing.TB, key []byte) []byte {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return key // a type that Go does not know
	}
	again, err := x509.MarshalPKCS8PrivateKey(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestNotAKey(t *testing.T) {
	key := sample(t, "ec-plain.pem")
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	tests := map[string]struct {
		data []byte
		want error
	}{
		"nothing":              {nil, ErrNoKey},
		"text":                 {[]byte("hello"), ErrNoKey},
		"another block":        {block("CERTIFICATE", []byte{0x30, 0}), ErrNoKey},
		"certificate in DER":   {[]byte{0x30, 4, 0x30, 0, 0x30, 0}, ErrNoKey},
		"two keys":             {append(bytes.Clone(key), key...), ErrSeveral},
		"empty sequence":       {[]byte{0x30, 0}, ErrDamaged},
		"half a sequence":      {[]byte{0x30, 0x82, 1}, ErrDamaged},
		"a damaged block":      {[]byte("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"), ErrDamaged},
		"too many blocks":      {bytes.Repeat(block("X", nil), maxBlocks+1), ErrUnsupported},
		"a long key":           {block(TypePKCS8, make([]byte, MaxKey+1)), ErrUnsupported},
		"a long key in DER":    {make([]byte, MaxKey+1), ErrUnsupported},
		"a long file":          {make([]byte, MaxSize+1), ErrUnsupported},
		"chacha20-poly1305":    {sample(t, "fresh-openssh-chacha.pem"), ErrUnsupported},
		"OpenSSH without form": {block(typeOpenSSH, []byte("openssh-key-v2")), ErrDamaged},
		"EC without its curve": {[]byte{0x30, 6, 2, 1, 1, 4, 1, 5}, ErrUnsupported},
	}
	for name, test := range tests {
		if _, err := Parse(test.data, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	if _, err := (&Reader{}).Block(pemtext.Block{Type: "CERTIFICATE"}); !errors.Is(err, ErrNoKey) {
		t.Errorf("a block that is no key: %v; want ErrNoKey", err)
	}
}

// TestLargeNumbers refuses keys whose check would take long.
func TestLargeNumbers(t *testing.T) {
	large := new(big.Int).Lsh(big.NewInt(1), MaxRSABits)
	for name, count := range map[string]int{"RSA": 8, "DSA": dsaIntegers} {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			for range count {
				b.AddASN1BigInt(large)
			}
		})
		if _, err := Parse(b.BytesOrPanic(), nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s of %d bits: %v; want ErrUnsupported", name, large.BitLen(), err)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, name := range []string{"ec", "rsa", "ed25519"} {
		key, err := x509.ParsePKCS8PrivateKey(sample(t, name+".der"))
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(signer.PublicKey().(ssh.CryptoPublicKey).CryptoPublicKey())
		if err != nil {
			t.Fatal(err)
		}
		if bits := Public(sample(t, name+".der")); len(bits) < 32 || !bytes.HasSuffix(spki, bits) {
			t.Errorf("%s: not the bits of its SubjectPublicKeyInfo", name)
		}
	}
	if Public(sample(t, "ed448.der")) != nil {
		t.Error("Ed448: a public key out of nowhere")
	}
	if Public([]byte("nonsense")) != nil {
		t.Error("nonsense: a public key out of nowhere")
	}
}

// TestWithoutCurve reads EC keys that do not say their curve: the public key
// beside them tells it where Go knows it.
func TestWithoutCurve(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalECPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		k, ok := readEC(der)
		if !ok || k.params == nil || k.public == nil {
			t.Fatal("the key is not read")
		}
		whole, err := Parse(der, nil)
		if err != nil {
			t.Fatal(err)
		}
		k.params = nil
		if der, err = writeEC(k); err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(der, nil); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s: %v, or another key", curve.Params().Name, err)
		}
		k.public = bytes.Clone(k.public)
		k.public[5] ^= 1
		if der, err = writeEC(k); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(der, nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s with another public key: %v; want ErrUnsupported", curve.Params().Name, err)
		}
	}
}
