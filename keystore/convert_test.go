package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// TestConvert converts a store to every format that holds what is in it.
func TestConvert(t *testing.T) {
	testpeer.Long(t)
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	from := newStore(t)
	if _, err := from.AddSigner("root", root.der, true); err != nil {
		t.Fatal(err)
	}
	if _, err := from.AddSigner("between", sub.der, false); err != nil {
		t.Fatal(err)
	}
	add(t, from, "Gw1", sub)
	add(t, from, "gw2", root)
	if err := from.SetDefault("Gw1"); err != nil {
		t.Fatal(err)
	}
	want, _ := from.Lookup("Gw1")
	password := Password("converted") // ASCII, which JCEKS wants
	for _, f := range Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "target")
			s, losses, err := from.Convert(t.Context(), path, password, Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			again, err := Open(t.Context(), path, password)
			if err != nil {
				t.Fatal(err)
			}
			if again.Format().Name() != f.Name() || labels(again) != labels(s) || len(again.Anchors()) != 1 {
				t.Errorf("format %s, labels %s, %d anchors", again.Format().Name(), labels(again), len(again.Anchors()))
			}
			e, ok := again.Lookup("gw1")
			if !ok || !bytes.Equal(e.key(), want.key()) || len(e.Chain) != 3 {
				t.Fatalf("gw1: %v, a chain of %d", ok, len(e.Chain))
			}
			if _, err := e.Signer(); err != nil {
				t.Error(err)
			}
			// The mark of the default is there, or it is told that it is not.
			told := false
			for _, loss := range losses {
				told = told || loss.Label == "Gw1" && strings.Contains(loss.What, "default")
			}
			if e.Default == told {
				t.Errorf("default %v, told that it is lost: %v", e.Default, told)
			}
			if _, _, err := from.Convert(t.Context(), path, password, Options{Format: f}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("over what is there: %v; want fs.ErrExist", err)
			}
			// And back, through every format.
			back, _, err := again.Convert(t.Context(), filepath.Join(t.TempDir(), "back"), password, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := back.Lookup("gw1"); !ok || !bytes.Equal(e.key(), want.key()) {
				t.Error("the key is another one on the way back")
			}
		})
	}
	if labels(from) != "root,between,Gw1,gw2" {
		t.Errorf("the source was changed: %s", labels(from))
	}
}

// TestConvertRefuses writes nothing where something would be lost that matters.
func TestConvertRefuses(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	jks, _ := FormatNamed("jks")
	path := filepath.Join(t.TempDir(), "target")
	refused := func(name string, s *Store, pw string, want error) {
		t.Helper()
		_, _, err := s.Convert(t.Context(), path, Password(pw), Options{Format: jks})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", name, err, want)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("%s: left is %v", name, left)
		}
	}
	s := newStore(t)
	request(t, s, "waiting")
	refused("a request", s, "password", ErrKind)
	s = newStore(t)
	if _, err := s.AddSigner("ca", ca.der, false); err != nil {
		t.Fatal(err)
	}
	refused("a CA without trust, which Java would trust", s, "password", nil)
	refused("no password", newStore(t), "", ErrEmptyPassword)
	s = newStore(t)
	add(t, s, "gw1", ca)
	s.content().Items[0].Key = nil
	refused("a key that did not open", s, "password", ErrNoKey)
}

// TestConvertUnusable gives keys and certificates that cannot be used to every
// format: they come over whole, or are refused.
func TestConvertUnusable(t *testing.T) {
	testpeer.Long(t)
	for name := range unusableTypes {
		s := openUnusable(t, name)
		want, _ := s.Lookup(name)
		for _, f := range Formats() {
			path := filepath.Join(t.TempDir(), "target")
			if _, _, err := s.Convert(t.Context(), path, Password("converted"), Options{Format: f}); err != nil {
				t.Errorf("%s to %s: %v", name, f.Name(), err)
				continue
			}
			again, err := Open(t.Context(), path, Password("converted"))
			if err != nil {
				t.Fatal(err)
			}
			e, ok := again.Lookup(name)
			if !ok || !bytes.Equal(e.key(), want.key()) || !bytes.Equal(e.Chain[0], want.Chain[0]) {
				t.Errorf("%s is not the same in %s", name, f.Name())
			}
			other := newStore(t)
			if _, err := other.Import(again, ImportOptions{Labels: []string{name}}); err != nil {
				t.Errorf("import of %s from %s: %v", name, f.Name(), err)
			}
		}
	}
}

// TestConvertTellsOnlyLosses makes a PKCS#12 file of IBM's sample, of which nothing
// is lost.
func TestConvertTellsOnlyLosses(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(testpeer.Corpora(t), "kdb", "mixed.kdb"), Password("password"))
	if err != nil {
		t.Fatal(err)
	}
	_, losses, err := s.Convert(t.Context(), filepath.Join(t.TempDir(), "keys.p12"), Password("password"), Options{})
	if err != nil || len(losses) != 0 {
		t.Errorf("told are %v, %v", losses, err)
	}
}
