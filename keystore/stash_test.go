package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/keystore/kdb"

	"keyman/internal/testpeer"
)

// newStashed makes an empty store of a format with a stash file, under a password
// that every format takes.
func newStashed(t *testing.T, f Format, name string) *Store {
	t.Helper()
	s, err := New(filepath.Join(t.TempDir(), name), Password("first"), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(true); err != nil {
		t.Fatal(err)
	}
	return reopenWith(t, s, "first")
}

// opensByStash opens a key database with the password that is stashed.
func opensByStash(t *testing.T, path string) *Store {
	t.Helper()
	pw, err := StashedPassword(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, pw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStash follows a stash file of every format through its life.
func TestStash(t *testing.T) {
	testpeer.Long(t)
	ca := newAuthority(t, "CA", nil)
	for _, f := range Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			s := newStashed(t, f, "keys")
			if !s.Stashed() || s.StashPath() != s.Path()+".sth" {
				t.Fatalf("stashed %v in %s", s.Stashed(), s.StashPath())
			}
			if info, err := os.Stat(s.StashPath()); err != nil || info.Mode() != 0o600 {
				t.Fatalf("the stash file: %v, %v", info, err)
			}
			before, _ := os.ReadFile(s.StashPath())
			add(t, s, "gw1", ca)
			s = reopenWith(t, s, "first")
			if after, _ := os.ReadFile(s.StashPath()); !bytes.Equal(before, after) {
				t.Error("the stash file changes while the password stays")
			}
			// A new password is stashed where the old one was, whatever mode
			// that file had.
			if err := os.Chmod(s.StashPath(), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := s.SetPassword(Password("second")); err != nil {
				t.Fatal(err)
			}
			s = reopenWith(t, s, "second")
			if info, err := os.Stat(s.StashPath()); err != nil || info.Mode() != 0o600 {
				t.Errorf("the stash file: %v, %v", info, err)
			}
			s = opensByStash(t, s.Path())
			// Undo leaves it: what was undone has the same password.
			add(t, s, "gw2", ca)
			s = reopenWith(t, s, "second")
			if _, err := s.Undo(t.Context(), 0); err != nil || labels(opensByStash(t, s.Path())) != "gw1" {
				t.Errorf("after undo: %v", err)
			}
			if kept, _ := filepath.Glob(s.StashPath() + "*"); len(kept) != 2 { // and its lock
				t.Errorf("the password lies in %v", kept)
			}
			if err := s.SetStashed(false); err != nil {
				t.Fatal(err)
			}
			if s = reopenWith(t, s, "second"); s.Stashed() {
				t.Error("it is stashed still")
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(s.Path()), "*.sth*")); len(left) != 1 || left[0] != s.StashPath()+".lock" {
				t.Errorf("left is %v", left)
			}
			if _, err := StashedPassword(s.Path()); !errors.Is(err, ErrNoStash) {
				t.Errorf("%v; want ErrNoStash", err)
			}
			// Twice is once.
			if err := s.SetStashed(false); err != nil {
				t.Error(err)
			}
			reopenWith(t, s, "second")
		})
	}
}

// TestStashKeepsItsVersion writes a stash file anew as the old tools read it.
func TestStashKeepsItsVersion(t *testing.T) {
	s := newStashed(t, cms{}, "keys.kdb")
	old, err := kdb.Stash([]byte("first"), kdb.Stash1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.StashPath(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	s = opensByStash(t, s.Path())
	if err := s.SetPassword(Password("second")); err != nil {
		t.Fatal(err)
	}
	s = reopenWith(t, s, "second")
	data, err := os.ReadFile(s.StashPath())
	if err != nil {
		t.Fatal(err)
	}
	if pw, v, err := kdb.Unstash(data); err != nil || string(pw) != "second" || v != kdb.Stash1 {
		t.Errorf("version %d, %v", v, err)
	}
}

// TestForeignStash leaves a stash file alone that is not the store's.
func TestForeignStash(t *testing.T) {
	testpeer.Long(t)
	another, err := kdb.Stash([]byte("another"), kdb.Stash2)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"another password": another, "rubbish": []byte("rubbish"), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			path, err := StashPath(s.Path())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := s.Save(t.Context()); !errors.Is(err, ErrChanged) {
				t.Errorf("a stash file came meanwhile: %v; want ErrChanged", err)
			}
			s, err = Open(t.Context(), s.Path(), Password(testPassword))
			if err != nil {
				t.Fatal(err)
			}
			if s.Stashed() {
				t.Error("it counts as stashed")
			}
			for _, on := range []bool{true, false} {
				if err := s.SetStashed(on); !errors.Is(err, ErrForeignStash) {
					t.Errorf("SetStashed(%v): %v; want ErrForeignStash", on, err)
				}
			}
			if err := s.SetPassword(Password("new")); err != nil {
				t.Fatal(err)
			}
			reopenWith(t, s, "new")
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
				t.Errorf("it was changed, %v", err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
				t.Errorf("its mode was changed: %v, %v", info.Mode(), err)
			}
		})
	}
	// One that is there before the key database is not written over either.
	path := filepath.Join(t.TempDir(), "keys.p12")
	if err := os.WriteFile(strings.TrimSuffix(path, ".p12")+".sth", another, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(path, Password("first"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(true); !errors.Is(err, ErrForeignStash) {
		t.Errorf("%v; want ErrForeignStash", err)
	}
	reopenWith(t, s, "first")
}

// TestSharedStash refuses to change a stash file that opens another key database.
func TestSharedStash(t *testing.T) {
	s := newStashed(t, cms{}, "ikekey.kdb")
	p12, err := New(filepath.Join(filepath.Dir(s.Path()), "ikekey.p12"), Password("first"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p12.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	opensByStash(t, p12.Path())
	before, _ := os.ReadFile(s.Path())
	if err := s.SetPassword(Password("second")); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, ErrForeignStash) || !strings.Contains(err.Error(), p12.Path()) {
		t.Errorf("%v; want ErrForeignStash, naming the other", err)
	}
	if after, _ := os.ReadFile(s.Path()); !bytes.Equal(before, after) {
		t.Error("the key database was saved")
	}
	// With a password of its own it is no concern of the other.
	p12, err = Open(t.Context(), p12.Path(), Password("first"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p12.Path()); err != nil {
		t.Fatal(err)
	}
	other, err := Create(t.Context(), p12.Path(), Password("its own"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	opensByStash(t, s.Path())
	if _, err := Open(t.Context(), other.Path(), Password("its own")); err != nil {
		t.Error(err)
	}
}

// TestStashTooLong writes nothing where the stash file could not follow.
func TestStashTooLong(t *testing.T) {
	long := bytes.Repeat([]byte("x"), kdb.MaxStash+1)
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys.p12"), long, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(true); !errors.Is(err, ErrStash) || s.Stashed() {
		t.Errorf("%v; want ErrStash", err)
	}
	s = newStashed(t, cms{}, "keys.kdb")
	before, _ := os.ReadFile(s.Path())
	if err := s.SetPassword(long); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, ErrStash) {
		t.Errorf("%v; want ErrStash", err)
	}
	if after, _ := os.ReadFile(s.Path()); !bytes.Equal(before, after) {
		t.Error("the key database was saved")
	}
	opensByStash(t, s.Path())
	// Without the stash file it is a password like any other.
	if err := s.SetStashed(false); err != nil {
		t.Fatal(err)
	}
	reopenWith(t, s, string(long))
}

// TestStashUnreadable opens a key database whose stash file cannot be read.
func TestStashUnreadable(t *testing.T) {
	s := newStore(t)
	if err := os.Mkdir(s.StashPath(), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), s.Path(), Password(testPassword))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(true); !errors.Is(err, ErrForeignStash) {
		t.Errorf("%v; want ErrForeignStash", err)
	}
	reopen(t, s)
	if _, err := StashedPassword(s.Path()); err == nil || errors.Is(err, ErrNoStash) {
		t.Errorf("a folder for a stash file: %v", err)
	}
	if _, err := StashedPassword(s.Path() + "?"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no key database: %v; want fs.ErrNotExist", err)
	}
}

func TestStashPath(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"keys.p12": "keys.sth", "keys.PFX": "keys.sth", "ikekey.kdb": "ikekey.sth", "a.jks": "a.sth", "a.jceks": "a.sth", "a.pem": "a.sth",
		"keys": "keys.sth", "gw.example": "gw.example.sth",
	} {
		if got, err := StashPath(filepath.Join(dir, name)); err != nil || filepath.Base(got) != want || !filepath.IsAbs(got) {
			t.Errorf("StashPath(%s) = %s, %v; want %s", name, got, err, want)
		}
	}
	if _, err := StashPath(filepath.Join(dir, "no", "keys.p12")); err == nil {
		t.Error("a folder that is not there has a stash file")
	}
}
