package keystore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/testpeer"
)

// generations counts the kept generations of a store.
func generations(t *testing.T, s *Store) int {
	t.Helper()
	list, err := Generations(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestUndo(t *testing.T) {
	testpeer.Long(t)
	ca := newAuthority(t, "CA", nil)
	for _, name := range []string{"pkcs12", "cms"} {
		t.Run(name, func(t *testing.T) {
			f, _ := FormatNamed(name)
			s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys"), Password(testPassword), Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Undo(t.Context(), 0); !errors.Is(err, ErrNoGeneration) {
				t.Errorf("undo of nothing: %v; want ErrNoGeneration", err)
			}
			add(t, s, "one", ca)
			s = reopen(t, s)
			before, err := os.ReadFile(s.Path())
			if err != nil {
				t.Fatal(err)
			}
			request(t, s, "two")
			if err := s.Delete("one", false); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, s)
			if _, err := s.Undo(t.Context(), 0); err != nil || labels(s) != "one" {
				t.Fatalf("undo: %s, %v", labels(s), err)
			}
			if after, _ := os.ReadFile(s.Path()); !bytes.Equal(before, after) {
				t.Error("the file is not the same byte for byte")
			}
			if _, err := s.Undo(t.Context(), 0); err != nil || labels(s) != "two" {
				t.Errorf("undo of the undo: %s, %v", labels(s), err)
			}
			if n := generations(t, s); n != 2 {
				t.Errorf("%d generations; want the empty store and the one with the key", n)
			}
			if _, err := s.Undo(t.Context(), 1); err != nil || labels(s) != "" {
				t.Errorf("back to the first: %s, %v", labels(s), err)
			}
			if _, err := s.Undo(t.Context(), 99); err == nil {
				t.Error("a generation that is not there came back")
			}
			// It is a change like any other: what is on disk counts.
			s = reopen(t, s)
			for _, label := range []string{"a", "b", "c", "d", "e"} {
				add(t, s, label, ca)
				s = reopen(t, s)
			}
			if n := generations(t, s); n != KeptGenerations {
				t.Errorf("%d generations; want %d", n, KeptGenerations)
			}
		})
	}
}

// TestForget removes generations, and with a new password nothing opens with the
// old one any more.
func TestForget(t *testing.T) {
	s := newStore(t)
	add(t, s, "one", newAuthority(t, "CA", nil))
	s = reopen(t, s)
	if err := s.SetPassword(Password("another")); err != nil {
		t.Fatal(err)
	}
	s = reopenWith(t, s, "another")
	if n := generations(t, s); n != 0 {
		t.Errorf("%d generations under the old password", n)
	}
	if _, err := s.Undo(t.Context(), 0); !errors.Is(err, ErrNoGeneration) {
		t.Errorf("undo of a new password: %v; want ErrNoGeneration", err)
	}
	if err := s.Delete("one", false); err != nil {
		t.Fatal(err)
	}
	s = reopenWith(t, s, "another")
	if n, err := Forget(t.Context(), s.Path()); err != nil || n != 1 || generations(t, s) != 0 {
		t.Errorf("Forget = %d, %v; %d are left", n, err, generations(t, s))
	}
}
