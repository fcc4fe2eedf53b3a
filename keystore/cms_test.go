package keystore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/testpeer"
)

// TestCMS opens IBM's sample, changes it and saves its files as one.
func TestCMS(t *testing.T) {
	corpora, dir := testpeer.Corpora(t), t.TempDir()
	for _, name := range []string{"mixed.kdb", "mixed.sth"} {
		data, err := os.ReadFile(filepath.Join(corpora, "kdb", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A symbolic link elsewhere leads to the whole set.
	link := filepath.Join(t.TempDir(), "link.kdb")
	if err := os.Symlink(filepath.Join(dir, "mixed.kdb"), link); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), link, Password("password"))
	if err != nil {
		t.Fatal(err)
	}
	before := labels(s)
	if s.Format().Name() != "cms" || before == "" {
		t.Fatalf("format %s with %q", s.Format().Name(), before)
	}
	request(t, s, "waiting")
	s = reopenWith(t, s, "password")
	if e, ok := s.Lookup("waiting"); !ok || e.Kind != Request || e.Request == nil {
		t.Errorf("the request is %v, %v after saving", e.Kind, ok)
	}
	for _, suffix := range []string{"kdb", "rdb", "crl", "sth"} {
		info, err := os.Stat(filepath.Join(dir, "mixed."+suffix))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the %s file: %v", suffix, err)
		}
	}
	// A change of any file of the set is told.
	if err := os.Remove(filepath.Join(dir, "mixed.rdb")); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, ErrChanged) {
		t.Errorf("the .rdb file is gone: %v; want ErrChanged", err)
	}
	if s, err = Open(t.Context(), link, Password("password")); err != nil || labels(s) != before {
		t.Errorf("without the .rdb file: %v", err)
	}
}

func TestCreateCMS(t *testing.T) {
	f, _ := FormatNamed("cms")
	path := filepath.Join(t.TempDir(), "new.kdb")
	s, err := Create(t.Context(), path, Password(testPassword), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t, "CA", nil)
	add(t, s, "gw1", ca)
	request(t, s, "waiting")
	if s = reopen(t, s); labels(s) != "gw1,waiting" {
		t.Errorf("the labels are %s", labels(s))
	}
	// A file of a set that stands without its main one is not written over.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), path, Password(testPassword), Options{Format: f}); err == nil {
		t.Error("the requests of another database were written over")
	}
}
