package pbe

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// FuzzDecrypt looks for panics and endless work in what an AlgorithmIdentifier
// asks for, and holds Afford to its word: what it lets pass is not refused later.
func FuzzDecrypt(f *testing.F) {
	p := password(f, "password")
	sealer, err := NewSealer(p)
	if err != nil {
		f.Fatal(err)
	}
	alg, ciphertext, err := sealer.Seal([]byte("a secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(alg, ciphertext)
	for _, s := range oldSchemes {
		f.Add(saltAlgorithm(s.id, 100), make([]byte, 16))
	}
	for _, s := range pbes1Schemes {
		f.Add(saltAlgorithm(s.id, 100), make([]byte, 16))
	}
	f.Fuzz(func(t *testing.T, alg, ciphertext []byte) {
		o := NewOpener(p, Limits{Iterations: 1000, Total: 3000})
		refused := o.Afford([][]byte{alg, alg})
		if o.spent != 0 {
			t.Fatal("Afford computed something")
		}
		for range 2 {
			_, err := o.Decrypt(alg, ciphertext)
			if errors.Is(err, ErrLimit) && refused == nil {
				t.Fatalf("Afford let it pass: %v", err)
			}
		}
	})
}

// saltAlgorithm writes an AlgorithmIdentifier with a salt of eight bytes and an
// iteration count.
func saltAlgorithm(id asn1.ObjectIdentifier, iterations int64) []byte {
	var b cryptobyte.Builder
	addAlgorithm(&b, id, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString([]byte("saltsalt"))
			b.AddASN1Int64(iterations)
		})
	})
	return b.BytesOrPanic()
}

// TestAfford adds up what derivations cost before any is computed, each key once.
func TestAfford(t *testing.T) {
	one, other := saltAlgorithm(pbes1Schemes[0].id, 60), saltAlgorithm(pbes1Schemes[2].id, 60)
	o := NewOpener(password(t, "password"), Limits{Iterations: 100, Total: 100})
	if err := o.Afford([][]byte{one, one, {0}}); err != nil {
		t.Errorf("one key twice: %v", err)
	}
	if err := o.Afford([][]byte{one, other}); !errors.Is(err, ErrLimit) {
		t.Errorf("two keys: %v; want ErrLimit", err)
	}
	if o.spent != 0 || len(o.derived) != 0 {
		t.Errorf("%d iterations were spent on nothing", o.spent)
	}
	if _, err := o.Within(50).Decrypt(one, make([]byte, 8)); !errors.Is(err, ErrLimit) {
		t.Errorf("within 50 iterations: %v; want ErrLimit", err)
	}
	if _, err := o.Within(200).Decrypt(one, make([]byte, 8)); errors.Is(err, ErrLimit) {
		t.Errorf("within 200 iterations: %v", err)
	}
	if _, err := o.Decrypt(one, make([]byte, 8)); errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	key := o.derived[only(o.derived)]
	o.Wipe()
	if !bytes.Equal(key, make([]byte, len(key))) {
		t.Error("a derived key is left")
	}
}

// only returns the name of the one key there is.
func only(derived map[string][]byte) string {
	for name := range derived {
		return name
	}
	return ""
}
