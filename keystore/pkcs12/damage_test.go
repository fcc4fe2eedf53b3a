package pkcs12

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/internal/pbe"
	"keyman/keystore/format"

	"keyman/internal/testpeer"
)

// smallLimits keep a changed iteration count from costing the tests minutes.
var smallLimits = pbe.Limits{Iterations: 20_000, Total: 200_000}

// damageSamples are the files that are damaged, the quickest to read first.
var damageSamples = []string{"openssl-one-iteration.p12", "openssl-default.p12", "openssl-legacy-rc2-40.p12", "openssl-legacy-rc4.p12", "openssl-plain.p12"}

// check decodes damaged data: it must fail with one of the errors that there
// are, or give what the whole file gives.
func check(t *testing.T, data []byte, whole *format.Content) error {
	t.Helper()
	got, err := decode(data, []byte(samplePassword), smallLimits)
	if err == nil {
		if diff := cmp.Diff(whole, got, cmp.AllowUnexported(kept{}, remainder{}, bag{}, attribute{})); diff != "" {
			t.Errorf("another content without an error:\n%s", diff)
		}
		return nil
	}
	if !errors.Is(err, format.ErrDamaged) && !errors.Is(err, format.ErrPassword) &&
		!errors.Is(err, format.ErrUnsupported) && !errors.Is(err, format.ErrUnprotected) {
		t.Errorf("an error of no kind: %v", err)
	}
	return err
}

func TestTruncated(t *testing.T) {
	for _, name := range damageSamples {
		data := sample(t, name)
		whole, err := decode(data, []byte(samplePassword), smallLimits)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if err := check(t, data[:n], whole); !errors.Is(err, format.ErrDamaged) {
				t.Errorf("%s cut to %d bytes: %v; want ErrDamaged", name, n, err)
			}
		}
		if err := check(t, append(bytes.Clone(data), 0), whole); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s with a byte behind it: %v; want ErrDamaged", name, err)
		}
	}
}

func TestBitFlips(t *testing.T) {
	testpeer.Long(t)
	for n, name := range damageSamples {
		data := sample(t, name)
		whole, err := decode(data, []byte(samplePassword), smallLimits)
		if err != nil {
			t.Fatal(err)
		}
		unnoticed, wrongPassword := 0, 0
		for i := range data {
			for bit := range 8 {
				if n > 0 && bit != i%8 {
					continue // every bit of one file, every byte of the others
				}
				changed := bytes.Clone(data)
				changed[i] ^= 1 << bit
				switch err := check(t, changed, whole); {
				case err == nil:
					unnoticed++
				case errors.Is(err, format.ErrPassword):
					wrongPassword++
				}
			}
		}
		// A change that says nothing about the content may pass: in the NULL
		// parameters of the MAC's hash, two octets.
		if limit := 2 * 8; unnoticed > limit {
			t.Errorf("%s: %d changes passed; want at most %d", name, unnoticed, limit)
		}
		// A damaged file is told from a wrong password, unless nothing in it
		// is encrypted or all that is was hit.
		if limit := len(data) * 8 / 10; name != "openssl-plain.p12" && wrongPassword > limit {
			t.Errorf("%s: %d of %d changes look like a wrong password", name, wrongPassword, len(data)*8)
		}
	}
}

func TestManyIterations(t *testing.T) {
	_, err := decode(sample(t, "openssl-default.p12"), []byte(samplePassword), pbe.Limits{Iterations: 2047})
	if !errors.Is(err, format.ErrUnsupported) || !errors.Is(err, pbe.ErrLimit) {
		t.Errorf("more iterations than allowed: %v; want ErrUnsupported and ErrLimit", err)
	}
}

// FuzzDecode looks for panics, endless work, and for what is read but cannot be
// written and read again.
func FuzzDecode(f *testing.F) {
	for _, name := range append(damageSamples, "keytool.p12", "keytool-legacy.p12", "openssl-nomac.p12", "openssl-legacy-2des.p12", "openssl-des3-sha512.p12") {
		f.Add(sample(f, name))
	}
	password := []byte(samplePassword)
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Format{}.Detect(data)
		content, err := decode(data, password, smallLimits)
		if err != nil {
			return
		}
		written, err := Format{}.Encode(content, password)
		if err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
		if _, err := (Format{}).Decode(written, password); err != nil {
			t.Fatalf("written, but cannot be read: %v", err)
		}
	})
}

// FuzzContents reads what lies below the MAC, which a fuzzer does not get
// through: an AuthenticatedSafe.
func FuzzContents(f *testing.F) {
	for _, name := range append(damageSamples, "keytool.p12") {
		file, err := readPFX(sample(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file.authSafe)
		safes, err := readSafes(file.authSafe)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range safes {
			f.Add(s.content)
		}
	}
	p, err := pbe.NewPassword([]byte(samplePassword))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		opener := pbe.NewOpener(p, smallLimits)
		content, err := decodeSafes(bytes.Clone(data), opener)
		if err != nil {
			var found bags
			if found.read(data, 0) == nil {
				content, err = toContent(found.list, opener)
			}
		}
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, item := range content.Items {
			if item.Label == "" || seen[item.Label] {
				t.Fatalf("label %q is empty or there twice", item.Label)
			}
			seen[item.Label] = true
		}
	})
}
