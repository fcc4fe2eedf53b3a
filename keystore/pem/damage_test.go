package pem

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// smallLimits keep a changed iteration count from costing the tests minutes.
var smallLimits = pbe.Limits{Iterations: 300_000, Total: 1_000_000}

// known reports whether an error is one of package format.
func known(err error) bool {
	return errors.Is(err, format.ErrDamaged) || errors.Is(err, format.ErrPassword) || errors.Is(err, format.ErrUnsupported)
}

// protected makes a file with a MAC of one certificate that is trusted.
func protected(t testing.TB) (data []byte, content *format.Content) {
	t.Helper()
	content, err := Format{}.Decode(sample(t, "trusted.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	content.Items[0].Trusted = true
	content.Items[0].Kept = nil
	if data, err = (Format{}).Encode(content, []byte(samplePassword)); err != nil {
		t.Fatal(err)
	}
	return data, content
}

// TestProtectedBitFlips changes bytes of a file with a MAC, all in the MAC itself:
// it is noticed, or changes nothing.
func TestProtectedBitFlips(t *testing.T) {
	data, want := protected(t)
	unnoticed := 0
	mac := bytes.IndexByte(data, '\n')
	for i := range data {
		if i > mac && i%13 != 0 {
			continue // a check takes its time
		}
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		got, err := decode(changed, []byte(samplePassword), smallLimits)
		switch {
		case err != nil && !known(err):
			t.Errorf("byte %d: an error of no kind: %v", i, err)
		case err == nil && i < len(macLine):
			// Then there is no MAC, and must be no trust.
			if got.Items[0].Trusted {
				t.Errorf("byte %d: trusted without a MAC", i)
			}
		case err == nil:
			unnoticed++
			if diff := cmp.Diff(want, got, equal); diff != "" {
				t.Errorf("byte %d: another content without an error:\n%s", i, diff)
			}
		}
	}
	// What says nothing may pass: the NULL parameters of the MAC's hash.
	if unnoticed > 3 {
		t.Errorf("%d changes passed; want at most 3", unnoticed)
	}
}

// TestProtectedTruncated cuts a file with a MAC at the end of each line.
func TestProtectedTruncated(t *testing.T) {
	data, _ := protected(t)
	for n := range data {
		if n > 0 && data[n-1] != '\n' && n%50 != 0 {
			continue // a check takes its time
		}
		if _, err := decode(data[:n], []byte(samplePassword), smallLimits); err == nil || !known(err) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := decode(append(bytes.Clone(data), "x"...), []byte(samplePassword), smallLimits); err == nil || !known(err) {
		t.Errorf("something behind it: %v", err)
	}
}

// TestDamageIsNotAPassword changes a file with a key in it.
func TestDamageIsNotAPassword(t *testing.T) {
	content, err := Format{}.Decode(sample(t, "plain-windows.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Format{}.Encode(content, []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(data, []byte("friendlyName: sample"), []byte("friendlyName: simple"), 1)
	if _, err := (Format{}).Decode(changed, []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("a label was changed: %v; want ErrDamaged", err)
	}
	if _, err := (Format{}).Decode(changed, []byte("wrong")); !errors.Is(err, format.ErrPassword) {
		t.Errorf("with a wrong password: %v; want ErrPassword", err)
	}
	if _, err := (Format{}).Decode(data[:len(data)-1], []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("cut off: %v; want ErrDamaged", err)
	}
	twice := append(bytes.Clone(data), data...)
	if _, err := (Format{}).Decode(twice, []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("two files joined: %v; want ErrDamaged", err)
	}
}

// TestPlainTruncated cuts files without a MAC, which may give less and never
// something else.
func TestPlainTruncated(t *testing.T) {
	for _, name := range []string{"request.pem", "ca-bundle.pem", "trusted.pem"} {
		data := sample(t, name)
		whole, err := decode(data, nil, smallLimits)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			got, err := decode(data[:n], nil, smallLimits)
			if err != nil {
				if !known(err) {
					t.Errorf("%s cut to %d bytes: an error of no kind: %v", name, n, err)
				}
				continue
			}
			if len(got.Items) > len(whole.Items) {
				t.Errorf("%s cut to %d bytes: more entries than before", name, n)
			}
			for i, item := range got.Items {
				if !bytes.Equal(item.Certificate, whole.Items[i].Certificate) || !bytes.Equal(item.Key, whole.Items[i].Key) {
					t.Errorf("%s cut to %d bytes: entry %d is another", name, n, i)
				}
			}
		}
	}
}

// FuzzDecode looks for panics, endless work, trust without a MAC, and for what is
// read but is another after it was written.
func FuzzDecode(f *testing.F) {
	for _, name := range sampleNames {
		f.Add(sample(f, name))
	}
	data, _ := protected(f)
	f.Add(data)
	f.Add([]byte("# a label\n-----BEGIN X-----\nA: b\n\n-----END X-----\nkeyman: trusted\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Format{}.Detect(data)
		content, err := decode(data, nil, smallLimits)
		if err != nil {
			if !known(err) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, item := range content.Items {
			if item.Trusted || item.Default {
				t.Fatalf("%q is marked, and nothing protects the file", item.Label)
			}
			if label := strings.ToLower(item.Label); label == "" || seen[label] {
				t.Fatalf("the label %q is empty or there twice", item.Label)
			} else {
				seen[label] = true
			}
			if item.Key != nil {
				return // to write it takes a password and time
			}
		}
		written, err := Format{}.Encode(content, nil)
		if err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
		if len(content.Items) == 0 {
			return
		}
		again, err := decode(written, nil, smallLimits)
		if err != nil {
			t.Fatalf("written, but cannot be read: %v", err)
		}
		if diff := cmp.Diff(content, again, equal); diff != "" {
			t.Fatalf("another after it was written:\n%s\n%q", diff, written)
		}
	})
}
