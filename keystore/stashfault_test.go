package keystore

import (
	"errors"
	"path/filepath"
	"testing"

	"keyman/internal/atomicfile/faultfs"

	"keyman/internal/testpeer"
)

// TestStashKilledAtEveryStep stops at each step a save that changes the password of
// a key database with its stash file, one that makes the stash file, and one that
// removes it. Whatever a reader finds, what is stashed opens the key database, and
// the next save finishes what was begun.
func TestStashKilledAtEveryStep(t *testing.T) {
	testpeer.Long(t)
	jks, _ := FormatNamed("jks") // as PKCS#12 one file, and quick to open
	tests := map[string]struct {
		stashed bool // before
		change  func(*Store) error
	}{
		"new password": {true, func(s *Store) error { return s.SetPassword(Password("second")) }},
		"stash":        {false, func(s *Store) error { return s.SetStashed(true) }},
		"unstash":      {true, func(s *Store) error { return s.SetStashed(false) }},
		"both": {false, func(s *Store) error {
			return errors.Join(s.SetPassword(Password("second")), s.SetStashed(true))
		}},
	}
	for name, test := range tests {
		for _, f := range []Format{jks, cms{}} {
			t.Run(name+" "+f.Name(), func(t *testing.T) {
				for at := 1; ; at++ {
					s := stashedBefore(t, f, test.stashed)
					if err := test.change(s); err != nil {
						t.Fatal(err)
					}
					s.system = &faultfs.Disk{At: at}
					saved := s.Save(t.Context())
					if saved != nil && !errors.Is(saved, faultfs.ErrKilled) {
						t.Fatalf("step %d: %v", at, saved)
					}
					again := openAfterKill(t, s.Path(), at)
					if saved == nil && again.Stashed() != s.Stashed() {
						t.Fatalf("stashed %v after a save that says %v", again.Stashed(), s.Stashed())
					}
					stashed := again.Stashed()
					if err := again.Save(t.Context()); err != nil {
						t.Fatalf("step %d, the next save: %v", at, err)
					}
					if last := openAfterKill(t, s.Path(), at); last.Stashed() != stashed {
						t.Fatalf("step %d: the next save has changed whether it is stashed", at)
					}
					if names, _ := filepath.Glob(filepath.Join(filepath.Dir(s.Path()), ".*")); len(names) != 0 {
						t.Fatalf("step %d: left are %v", at, names)
					}
					if saved == nil {
						return
					}
				}
			})
		}
	}
}

// stashedBefore makes a key database under "first", stashed or not.
func stashedBefore(t *testing.T, f Format, stashed bool) *Store {
	t.Helper()
	s, err := New(filepath.Join(t.TempDir(), "keys"), Password("first"), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(stashed); err != nil {
		t.Fatal(err)
	}
	return reopenWith(t, s, "first")
}

// openAfterKill opens a key database with what is stashed, or where nothing is with
// one of the passwords of the test.
func openAfterKill(t *testing.T, path string, at int) *Store {
	t.Helper()
	pw, err := StashedPassword(path)
	if err == nil {
		s, err := Open(t.Context(), path, pw)
		if err != nil || !s.Stashed() {
			t.Fatalf("stopped at step %d: the stashed password: %v", at, err)
		}
		return s
	}
	if !errors.Is(err, ErrNoStash) {
		t.Fatalf("stopped at step %d: %v", at, err)
	}
	for _, pw := range []string{"first", "second"} {
		if s, err := Open(t.Context(), path, Password(pw)); err == nil {
			return s
		}
	}
	t.Fatalf("stopped at step %d: neither password opens it", at)
	return nil
}
