package keyfile

import (
	"bytes"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"keyman/internal/pbe"
	"keyman/internal/pemtext"

	"keyman/internal/testpeer"
)

// smallLimits keep a changed iteration count from costing the tests minutes.
var smallLimits = pbe.Limits{Iterations: 600_000, Total: 1_200_000}

// known reports whether an error is one of this package's.
func known(err error) bool {
	for _, one := range []error{ErrNoKey, ErrSeveral, ErrNoPassword, ErrPassword, ErrDamaged, ErrUnsupported} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// content returns what is in a sample's block, with the block.
func content(t testing.TB, name string) pemtext.Block {
	t.Helper()
	data := sample(t, name)
	if strings.HasSuffix(name, ".der") {
		return pemtext.Block{Type: TypePKCS8, Bytes: data}
	}
	file, err := pemtext.Parse(data, 2)
	if err != nil {
		t.Fatal(err)
	}
	return file.Blocks[len(file.Blocks)-1]
}

// damageSamples are the files that are damaged, one of each form.
var damageSamples = []string{
	"ec.der", "rsa.der", "dsa.der", "ed25519.der", "pss.der", "brainpool.der",
	"ec-traditional.pem", "rsa-traditional.pem", "dsa-traditional.pem",
	"ec-pbes2.pem", "ec-md5-des.pem", "ec-sha1-rc4-128.pem", "rsa-traditional-aes256.pem",
	"ec-openssh.pem", "rsa-openssh.pem", "fresh-openssh.pem",
}

func TestTruncated(t *testing.T) {
	for _, name := range append(damageSamples, "ec-openssh-bcrypt.pem") {
		b := content(t, name)
		whole := b.Bytes
		for n := range whole {
			b.Bytes = whole[:n]
			_, err := NewReader(given(samplePassword), smallLimits).Block(b)
			if err == nil {
				t.Errorf("%s cut to %d of %d bytes is read", name, n, len(whole))
			} else if !known(err) {
				t.Errorf("%s cut to %d bytes: an error of no kind: %v", name, n, err)
			}
		}
		b.Bytes = append(bytes.Clone(whole), 0)
		if _, err := NewReader(given(samplePassword), smallLimits).Block(b); err == nil {
			t.Errorf("%s with a byte behind it is read", name)
		}
	}
}

// TestBitFlips changes each byte: where a key is read all the same it must be
// the same one, but for forms that have nothing to compare.
func TestBitFlips(t *testing.T) {
	// How many changes may give another key: in the private part of DSA and of
	// Ed25519, and all but the structure where Go does not know the curve. A
	// change to the algorithm's name gives a key of a type that is not known.
	blind := map[string]int{"ed25519.der": 32, "brainpool.der": 32 + 65 + 9 + 7 + 1, "dsa.der": 28}
	for _, name := range damageSamples {
		b := content(t, name)
		whole := b.Bytes
		want, err := NewReader(given(samplePassword), smallLimits).Block(b)
		if err != nil {
			t.Fatal(err)
		}
		others := 0
		for i := range whole {
			b.Bytes = bytes.Clone(whole)
			b.Bytes[i] ^= 1 << (i % 8)
			got, err := NewReader(given(samplePassword), smallLimits).Block(b)
			switch {
			case err != nil && !known(err):
				t.Errorf("%s, byte %d: an error of no kind: %v", name, i, err)
			case err != nil:
			case strings.HasPrefix(name, "brainpool"):
				if !bytes.Equal(got, want) {
					others++
				}
			case Public(got) != nil && !bytes.Equal(Public(got), Public(want)):
				others++
			}
		}
		if others > blind[name] {
			t.Errorf("%s: %d changes gave another key; want at most %d", name, others, blind[name])
		}
	}
}

// TestWrongPasswordOrDamage tells the two apart.
func TestWrongPasswordOrDamage(t *testing.T) {
	testpeer.Long(t)
	for _, name := range []string{"ec-pbes2.pem", "rsa-traditional-aes256.pem", "rsa-openssh-bcrypt.pem", "ec-openssh-cbc.pem"} {
		b := content(t, name)
		middle := len(b.Bytes) - 70
		b.Bytes = bytes.Clone(b.Bytes)
		b.Bytes[middle] ^= 1
		if _, err := NewReader(given(samplePassword), smallLimits).Block(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, damaged in the middle: %v; want ErrDamaged", name, err)
		}
	}
	wrong := 0
	for _, name := range []string{"ec-pbes2.pem", "ec-md5-des.pem", "ec-sha1-rc4-128.pem", "rsa-traditional-des3.pem", "ec-openssh-bcrypt.pem"} {
		b := content(t, name)
		for _, password := range []string{"a", "b", "c", "d", "e"} {
			if _, err := NewReader(given(password), smallLimits).Block(b); errors.Is(err, ErrPassword) {
				wrong++
			}
		}
	}
	if wrong != 25 {
		t.Errorf("%d of 25 wrong passwords are called so", wrong)
	}
}

// TestErrorsKeepSecrets reads damaged keys and looks for the key or the password
// in the errors.
func TestErrorsKeepSecrets(t *testing.T) {
	b := content(t, "ed25519.der")
	secret := string(b.Bytes[16:])
	for i := range b.Bytes {
		changed := b
		changed.Bytes = bytes.Clone(b.Bytes)
		changed.Bytes[i] ^= 0x80
		if _, err := NewReader(given("hunter2"), smallLimits).Block(changed); err != nil &&
			(strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("byte %d: the error tells: %v", i, err)
		}
	}
}

func TestManyRounds(t *testing.T) {
	b := content(t, "ec-openssh-bcrypt.pem")
	// The rounds are the four bytes behind the salt of 16, in options of 24.
	at := bytes.Index(b.Bytes, []byte("bcrypt")) + len("bcrypt") + 4 + 4 + 16
	if b.Bytes[at+3] == 0 || b.Bytes[at] != 0 {
		t.Fatal("the rounds are somewhere else")
	}
	b.Bytes[at] = 0x7f
	if _, err := NewReader(given(samplePassword), smallLimits).Block(b); !errors.Is(err, ErrUnsupported) {
		t.Errorf("two thousand million rounds: %v; want ErrUnsupported", err)
	}
}

// FuzzParse looks for panics, endless work, errors of no kind, and for keys that
// are read but cannot be read again.
func FuzzParse(f *testing.F) {
	for _, name := range samples(f) {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var keys [][]byte
		if file, err := pemtext.Parse(data, 10); err == nil {
			for _, b := range file.Blocks {
				if b.Type == typeOpenSSH && bytes.Contains(b.Bytes, []byte("bcrypt")) {
					continue // its rounds are slow, and TestTruncated has them
				}
				key, err := NewReader(given(samplePassword), smallLimits).Block(b)
				if err == nil {
					keys = append(keys, key)
				}
			}
		}
		if key, err := NewReader(given(samplePassword), smallLimits).DER(data); err == nil {
			keys = append(keys, key)
		} else if !known(err) {
			t.Errorf("an error of no kind: %v", err)
		}
		for _, key := range keys {
			again, err := Parse(pem.EncodeToMemory(&pem.Block{Type: TypePKCS8, Bytes: key}), nil)
			if err != nil || !bytes.Equal(key, again) {
				t.Errorf("what was read cannot be read again: %v", err)
			}
			_ = Public(key)
			if _, traditional, err := Traditional(key); err == nil {
				if back, err := (&Reader{}).DER(traditional); err != nil || !bytes.Equal(Public(back), Public(key)) {
					t.Errorf("the traditional form of it is another key: %v", err)
				}
			}
		}
	})
}
