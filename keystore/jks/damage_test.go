package jks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/keystore/format"
)

// smallLimits keep a changed iteration count from costing the tests minutes.
var smallLimits = limits{iterations: 10_000, work: 200_000, written: 10}

// sealed puts the digest behind the body of a file.
func sealed(t testing.TB, body []byte) []byte {
	t.Helper()
	pw, err := newPassword([]byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(body), pw.digest(body)...)
}

func isKnown(err error) bool {
	return errors.Is(err, format.ErrDamaged) || errors.Is(err, format.ErrPassword) || errors.Is(err, format.ErrUnsupported)
}

func TestTruncated(t *testing.T) {
	for name, f := range formats {
		data := sample(t, "keytool."+name)
		for n := range data {
			if _, err := kindOf(f).decode(data[:n], []byte(samplePassword), smallLimits); !errors.Is(err, format.ErrDamaged) {
				t.Errorf("%s cut to %d bytes: %v; want ErrDamaged", name, n, err)
			}
		}
		longer := append(bytes.Clone(data), 0)
		if _, err := f.Decode(longer, []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s with a byte behind it: %v; want ErrDamaged", name, err)
		}
	}
}

// TestBitFlips changes each bit of the one and a bit in each byte of the other:
// the digest notices all.
func TestBitFlips(t *testing.T) {
	for name, f := range formats {
		data := sample(t, "keytool."+name)
		wrongPassword := 0
		for i := range data {
			for bit := range 8 {
				if name == "jceks" && bit != i%8 {
					continue
				}
				changed := bytes.Clone(data)
				changed[i] ^= 1 << bit
				// Whether the password opens a key is not asked of every one
				// of JCEKS, where that takes a while.
				l := smallLimits
				if name == "jceks" && i%50 != 0 {
					l.iterations = 1
				}
				_, err := kindOf(f).decode(changed, []byte(samplePassword), l)
				if !errors.Is(err, format.ErrDamaged) && !errors.Is(err, format.ErrPassword) {
					t.Errorf("%s with bit %d of byte %d changed: %v", name, bit, i, err)
				}
				if errors.Is(err, format.ErrPassword) {
					wrongPassword++
				}
			}
		}
		// A damaged file is told from a wrong password, unless the damage is
		// in the one key that the password opens.
		if limit := len(data) * 8 / 10; name == "jks" && wrongPassword > limit {
			t.Errorf("%s: %d of %d changes look like a wrong password", name, wrongPassword, len(data)*8)
		}
	}
}

// TestForged changes what is below the digest, and computes that anew: no error
// but those there are, and what is read can be written.
func TestForged(t *testing.T) {
	for name, f := range formats {
		data := sample(t, "keytool."+name)
		for i := range len(data) - digestLen {
			changed := bytes.Clone(data[:len(data)-digestLen])
			changed[i] ^= 1 << (i % 8)
			l := smallLimits
			l.work = 0
			if name == "jceks" {
				l.iterations = 1 // the structure is what is looked at
			}
			content, err := kindOf(f).decode(sealed(t, changed), []byte(samplePassword), l)
			if err != nil {
				if !isKnown(err) {
					t.Errorf("%s with byte %d changed: an error of no kind: %v", name, i, err)
				}
				continue
			}
			if _, err := kindOf(f).encode(content, []byte(samplePassword), smallLimits); err != nil {
				t.Errorf("%s with byte %d changed: read, but cannot be written: %v", name, i, err)
			}
		}
	}
}

// TestCountsAreNotBelieved has numbers of entries, certificates and bytes that
// the file does not hold.
func TestCountsAreNotBelieved(t *testing.T) {
	head := binary.BigEndian.AppendUint32(nil, uint32(kindJKS))
	head = binary.BigEndian.AppendUint32(head, version2)
	entry := append(bytes.Clone(head), 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0)
	tests := map[string][]byte{
		"entries":           append(bytes.Clone(head), 0xff, 0xff, 0xff, 0xff),
		"bytes of a key":    append(bytes.Clone(entry), 0xff, 0xff, 0xff, 0xff),
		"certificates":      append(bytes.Clone(entry), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
		"empty certificate": append(bytes.Clone(entry), 0, 0, 0, 0, 0, 0, 0, 1, 0, 5, 'X', '.', '5', '0', '9', 0, 0, 0, 0),
		"secret key in JKS": append(bytes.Clone(head), 0, 0, 0, 1, 0, 0, 0, 3, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0),
		"alias":             append(bytes.Clone(head), 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0),
	}
	for name, body := range tests {
		if _, err := (JKS{}).Decode(sealed(t, body), []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s: %v; want ErrDamaged", name, err)
		}
	}
	pgp := append(bytes.Clone(entry), 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 'P', 'G', 'P', 0, 0, 0, 1, 'x')
	if _, err := (JKS{}).Decode(sealed(t, pgp), []byte(samplePassword)); !errors.Is(err, format.ErrUnsupported) {
		t.Errorf("a certificate of another type: %v; want ErrUnsupported", err)
	}
}

// TestManyIterations bounds one key and all keys together, before any is opened.
func TestManyIterations(t *testing.T) {
	data := sample(t, "keytool.jceks")
	for name, l := range map[string]limits{"one key": {iterations: 9_999}, "all keys": {work: 100_000}} {
		if _, err := kindJCEKS.decode(data, []byte(samplePassword), l); !errors.Is(err, format.ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
	content := &format.Content{}
	for _, label := range []string{"a", "b"} {
		content.Items = append(content.Items, secretItem(t, label, "AES"))
	}
	if _, err := kindJCEKS.encode(content, []byte("x"), limits{work: 20, written: 10}); err == nil {
		t.Error("more keys are written than would be read")
	}
}

// TestTooManyParts bounds a file both ways.
func TestTooManyParts(t *testing.T) {
	one := entry{tag: tagCertificate, chain: [][]byte{{1}}}
	most := slices.Repeat([]entry{one}, maxParts/2)
	body, err := kindJKS.write(most)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := kindJKS.read(body); err != nil || len(entries) != len(most) {
		t.Errorf("as many as there may be: %d, %v", len(entries), err)
	}
	if _, err := kindJKS.write(append(most, one)); err == nil {
		t.Error("a file with too many parts is written")
	}
	small := func(chain uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(kindJKS))
		b = binary.BigEndian.AppendUint32(b, version1)
		b = binary.BigEndian.AppendUint32(b, 1)
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint32(b, chain)
		return append(b, bytes.Repeat([]byte{0, 0, 0, 1, 'x'}, int(chain))...)
	}
	if _, err := kindJKS.read(small(maxParts - 1)); err != nil {
		t.Errorf("a long chain: %v", err)
	}
	for name, data := range map[string][]byte{"certificates": small(maxParts), "entries": tooManyEntries()} {
		if _, err := (JKS{}).Decode(sealed(t, data), []byte(samplePassword)); !errors.Is(err, format.ErrUnsupported) {
			t.Errorf("too many %s: %v; want ErrUnsupported", name, err)
		}
	}
}

// tooManyEntries has keys of no bytes without chains.
func tooManyEntries() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(kindJKS))
	b = binary.BigEndian.AppendUint32(b, version2)
	b = binary.BigEndian.AppendUint32(b, maxParts+1)
	return append(b, bytes.Repeat([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, maxParts+1)...)
}

// FuzzDecode looks for panics, endless work, and for what is read but cannot be
// written and read again. The digest, which a fuzzer does not get through, is
// computed anew where the input has a format's number.
func FuzzDecode(f *testing.F) {
	for name := range formats {
		data := sample(f, "keytool."+name)
		f.Add(data)
		f.Add(data[:len(data)-digestLen])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, f := range formats {
			k := kindOf(f)
			if _, err := k.decode(data, []byte(samplePassword), smallLimits); err != nil && !isKnown(err) {
				t.Fatalf("an error of no kind: %v", err)
			}
			l := smallLimits
			l.iterations, l.work = 10, 1_000
			content, err := k.decode(sealed(t, data), []byte(samplePassword), l)
			if err != nil {
				continue
			}
			seen := map[string]bool{}
			for _, item := range content.Items {
				if item.Label == "" || seen[item.Label] {
					t.Fatalf("label %q is empty or there twice", item.Label)
				}
				seen[item.Label] = true
			}
			written, err := k.encode(content, []byte(samplePassword), l)
			if err != nil {
				t.Fatalf("read, but cannot be written: %v", err)
			}
			again, err := k.decode(written, []byte(samplePassword), l)
			if err != nil {
				t.Fatalf("written, but cannot be read: %v", err)
			}
			if diff := cmp.Diff(content, again, allKept); diff != "" {
				t.Fatalf("after a round trip (-before +after):\n%s", diff)
			}
		}
	})
}

// FuzzObject reads serialized objects of Java.
func FuzzObject(f *testing.F) {
	data := sample(f, "keytool.jceks")
	entries, err := kindJCEKS.read(data[:len(data)-digestLen])
	if err != nil {
		f.Fatal(err)
	}
	pw, err := newPassword([]byte(samplePassword))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if e.tag != tagSecret {
			continue
		}
		f.Add(e.protected)
		if p, err := readSealed(e.protected); err == nil {
			if object, ok := p.openObject(pw); ok {
				f.Add(object)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := readSealed(data); err == nil && p.jce == nil {
			t.Fatal("a sealed object without parameters")
		}
		algorithm, key, ok := readSecretKey(data)
		if !ok {
			return
		}
		der, err := secretKeyInfo(algorithm, key)
		if err != nil {
			t.Fatalf("%q: %v", algorithm, err)
		}
		name, again, err := parseSecretKey(der)
		if err != nil || name != algorithm || !bytes.Equal(again, key) {
			t.Fatalf("%q became %q: %v", algorithm, name, err)
		}
	})
}
