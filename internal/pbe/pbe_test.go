package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func password(t testing.TB, text string) Password {
	t.Helper()
	p, err := NewPassword([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPKCS12Key uses the vectors that PKCS#12 implementations share: RSA's
// "smeg" and "queeg".
func TestPKCS12Key(t *testing.T) {
	tests := []struct {
		password, salt string
		id             byte
		iterations     int
		want           string
	}{
		{"smeg", "0A58CF64530D823F", idKey, 1, "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3"},
		{"smeg", "0A58CF64530D823F", idIV, 1, "79993DFE048D3B76"},
		{"smeg", "642B99AB44FB4B1F", idKey, 1, "F3A95FEC48D7711E985CFE67908C5AB79FA3D7C5CAA5D966"},
		{"smeg", "3D83C0E4546AC140", idMAC, 1, "8D967D88F6CAA9D714800AB3D48051D63F73A312"},
		{"queeg", "05DEC959ACFF72F7", idKey, 1000, "ED2034E36328830FF09DF1E1A07DD357185DAC0D4F9EB3D4"},
		{"queeg", "05DEC959ACFF72F7", idIV, 1000, "11DEDAD7758D4860"},
		{"queeg", "263216FCC2FAB31C", idMAC, 1000, "5EC4C7A80DF652294C3925B6489A7AB857C83476"},
	}
	for _, test := range tests {
		want := unhex(t, test.want)
		got := pkcs12Key(sha1.New, password(t, test.password).bmp, unhex(t, test.salt), test.id, test.iterations, len(want))
		if !bytes.Equal(got, want) {
			t.Errorf("%s, salt %s, id %d: %X; want %X", test.password, test.salt, test.id, got, want)
		}
	}
}

// TestRC2 uses the vectors of RFC 2268, 5 whose effective length is that of the key.
func TestRC2(t *testing.T) {
	tests := []struct{ key, plain, cipher string }{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	}
	for _, test := range tests {
		block := newRC2(unhex(t, test.key))
		got := make([]byte, rc2BlockSize)
		block.Encrypt(got, unhex(t, test.plain))
		if hex.EncodeToString(got) != test.cipher {
			t.Errorf("key %s: encrypted to %x; want %s", test.key, got, test.cipher)
		}
		block.Decrypt(got, got)
		if hex.EncodeToString(got) != test.plain {
			t.Errorf("key %s: decrypted to %x; want %s", test.key, got, test.plain)
		}
	}
}

func TestPasswordForms(t *testing.T) {
	tests := []struct {
		text []byte
		bmp  string
	}{
		{nil, ""},
		{[]byte{}, "0000"},
		{[]byte("ü"), "00fc0000"},
		{[]byte("🔑"), "d83ddd110000"},
	}
	for _, test := range tests {
		p, err := NewPassword(test.text)
		if err != nil || hex.EncodeToString(p.bmp) != test.bmp {
			t.Errorf("%q: %x, %v; want %s", test.text, p.bmp, err, test.bmp)
		}
	}
	if _, err := NewPassword([]byte{0xff}); !errors.Is(err, ErrEncoding) {
		t.Errorf("a password that is not UTF-8: %v; want ErrEncoding", err)
	}
	secret := password(t, "hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, secret); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints the password: %s", verb, text)
		}
	}
}

func TestSealOpen(t *testing.T) {
	for name, newSealer := range map[string]func(Password) (*Sealer, error){"SHA256": NewSealer, "SHA384": NewSealerSHA384} {
		t.Run(name, func(t *testing.T) {
			sealer, err := newSealer(password(t, "pässwörd"))
			if err != nil {
				t.Fatal(err)
			}
			opener := NewOpener(password(t, "pässwörd"), Limits{})
			rapid.Check(t, func(t *rapid.T) {
				plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
				alg, sealed, err := sealer.Seal(plain)
				if err != nil {
					t.Fatal(err)
				}
				got, err := opener.Decrypt(alg, sealed)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("opened %x, %v; want %x", got, err, plain)
				}
			})
			if opener.spent != Iterations {
				t.Errorf("%d iterations were spent; want one derivation of %d for all", opener.spent, Iterations)
			}
		})
	}
}

// bare reports whether an error is ErrDecrypt and says nothing beyond it.
func bare(err error) bool { return errors.Is(err, ErrDecrypt) && err.Error() == ErrDecrypt.Error() }

// TestFailuresLookAlike decrypts with a wrong password and with changes in each
// place that the padding check looks at.
func TestFailuresLookAlike(t *testing.T) {
	sealer, err := NewSealer(password(t, "right"))
	if err != nil {
		t.Fatal(err)
	}
	alg, sealed, err := sealer.Seal([]byte("0123456789abcdef0123"))
	if err != nil {
		t.Fatal(err)
	}
	opener := NewOpener(password(t, "right"), Limits{})
	for name, data := range map[string][]byte{
		"nothing":     {},
		"half blocks": sealed[:aes.BlockSize+1],
		"one block":   sealed[:aes.BlockSize],
	} {
		if _, err := opener.Decrypt(alg, data); !bare(err) {
			t.Errorf("%s: %v; want ErrDecrypt itself", name, err)
		}
	}
	// The last block is XORed with the one before it: each octet of the
	// padding can be changed alone.
	for i := 4; i < aes.BlockSize; i++ {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x40
		if _, err := opener.Decrypt(alg, changed); !bare(err) {
			t.Errorf("padding octet %d changed: %v; want ErrDecrypt itself", i, err)
		}
	}
	failed := 0
	for i := range 20 {
		_, err := NewOpener(password(t, fmt.Sprint("wrong ", i)), Limits{}).Decrypt(alg, sealed)
		if bare(err) {
			failed++
		} else if err != nil {
			t.Errorf("wrong password: %v; want ErrDecrypt itself", err)
		}
	}
	if failed < 15 {
		t.Errorf("%d of 20 wrong passwords were noticed by the padding", failed)
	}
}

func TestMAC(t *testing.T) {
	content := []byte("the content")
	sealer, err := NewSealer(password(t, "right"))
	if err != nil {
		t.Fatal(err)
	}
	mac, err := sealer.MAC(content)
	if err != nil {
		t.Fatal(err)
	}
	opener := NewOpener(password(t, "right"), Limits{})
	if err := opener.Verify(mac, content); err != nil {
		t.Errorf("own MAC: %v", err)
	}
	if err := opener.Verify(mac, content[1:]); !errors.Is(err, ErrMAC) {
		t.Errorf("another content: %v; want ErrMAC", err)
	}
	if err := NewOpener(password(t, "wrong"), Limits{}).Verify(mac, content); !errors.Is(err, ErrMAC) {
		t.Errorf("another password: %v; want ErrMAC", err)
	}
	short := mac
	short.Digest = mac.Digest[:1]
	if err := opener.Verify(short, content); !errors.Is(err, ErrMAC) {
		t.Errorf("a MAC that is cut: %v; want ErrMAC", err)
	}
	short.Digest = nil
	if err := opener.Verify(short, content); !errors.Is(err, ErrMAC) {
		t.Errorf("an empty MAC: %v; want ErrMAC", err)
	}
}

// pbkdf2Params writes PBES2-params or PBMAC1-params around a PBKDF2.
func pbkdf2Params(outer asn1.ObjectIdentifier, iterations int64, keyLength int64, prf asn1.ObjectIdentifier, second func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	addAlgorithm(&b, outer, func(b *cryptobyte.Builder) {
		b.AddASN1(0x30, func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
				b.AddASN1(0x30, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString([]byte("saltsalt"))
					b.AddASN1Int64(iterations)
					if keyLength != 0 {
						b.AddASN1Int64(keyLength)
					}
					addAlgorithm(b, prf, addNull)
				})
			})
			second(b)
		})
	})
	return b.BytesOrPanic()
}

func aes256(b *cryptobyte.Builder) {
	addAlgorithm(b, oidAES256CBC, func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 16)) })
}

func TestLimitsAndNonsense(t *testing.T) {
	hmacSHA256 := func(b *cryptobyte.Builder) { addAlgorithm(b, oidHMACWithSHA256, addNull) }
	tests := map[string]struct {
		alg  []byte
		want error
	}{
		"no iteration":        {pbkdf2Params(oidPBES2, 0, 32, oidHMACWithSHA256, aes256), ErrMalformed},
		"negative iterations": {pbkdf2Params(oidPBES2, -5, 32, oidHMACWithSHA256, aes256), ErrMalformed},
		"too many iterations": {pbkdf2Params(oidPBES2, MaxIterations+1, 32, oidHMACWithSHA256, aes256), ErrLimit},
		"far too many":        {pbkdf2Params(oidPBES2, 1<<62, 32, oidHMACWithSHA256, aes256), ErrLimit},
		"another key length":  {pbkdf2Params(oidPBES2, 1, 16, oidHMACWithSHA256, aes256), ErrMalformed},
		"an unknown PRF":      {pbkdf2Params(oidPBES2, 1, 32, oidSHA256, aes256), ErrUnsupported},
		"an unknown cipher":   {pbkdf2Params(oidPBES2, 1, 32, oidHMACWithSHA256, hmacSHA256), ErrUnsupported},
		"an unknown scheme":   {pbkdf2Params(oidSHA256, 1, 32, oidHMACWithSHA256, aes256), ErrUnsupported},
		"no DER":              {[]byte("nonsense"), ErrMalformed},
		"nothing":             {nil, ErrMalformed},
		"something behind it": {append(pbkdf2Params(oidPBES2, 1, 32, oidHMACWithSHA256, aes256), 0), ErrMalformed},
		"vector of wrong size": {pbkdf2Params(oidPBES2, 1, 32, oidHMACWithSHA256, func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidAES256CBC, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nil) })
		}), ErrMalformed},
	}
	for name, test := range tests {
		if _, err := NewOpener(password(t, "x"), Limits{}).Decrypt(test.alg, make([]byte, 16)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	for name, length := range map[string]int64{"absent": 0, "one octet": 1, "too short": minMACKey - 1, "too long": maxMACKey + 1} {
		mac := MAC{Algorithm: pbkdf2Params(oidPBMAC1, 1, length, oidHMACWithSHA256, hmacSHA256), Digest: make([]byte, 32)}
		if err := NewOpener(password(t, "x"), Limits{}).Verify(mac, nil); !errors.Is(err, ErrMalformed) {
			t.Errorf("PBMAC1 with a key length that is %s: %v; want ErrMalformed", name, err)
		}
	}
	// Many derivations count together.
	opener := NewOpener(password(t, "x"), Limits{Iterations: 10, Total: 25})
	var err error
	for i := range int64(3) {
		_, err = opener.Decrypt(pbkdf2Params(oidPBES2, 10-i, 0, oidHMACWithSHA256, aes256), make([]byte, 16))
	}
	if !errors.Is(err, ErrLimit) {
		t.Errorf("the third derivation: %v; want ErrLimit", err)
	}
}

// TestKnownAlgorithms decrypts with each PRF and each cipher: all are known.
func TestKnownAlgorithms(t *testing.T) {
	for _, h := range hashes {
		for _, c := range cbcCiphers {
			iv := make([]byte, 16)
			if c.id[0] == 1 { // DES and 3DES
				iv = iv[:8]
			}
			alg := pbkdf2Params(oidPBES2, 1, int64(c.keyLen), h.hmac, func(b *cryptobyte.Builder) {
				addAlgorithm(b, c.id, func(b *cryptobyte.Builder) { b.AddASN1OctetString(iv) })
			})
			// What matters is that the algorithm is known: what comes out is
			// Whether the result is right, OpenSSL's files in keystore/pkcs12 show.
			if _, err := NewOpener(password(t, "x"), Limits{}).Decrypt(alg, make([]byte, 32)); err != nil && !bare(err) {
				t.Errorf("%v with %v: %v", h.hmac, c.id, err)
			}
		}
	}
}
