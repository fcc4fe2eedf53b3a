package keystore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/atomicfile"
)

// TestFileErrors opens files that are not as they should be: each gives its own
// error with a hint, and stays as it is.
func TestFileErrors(t *testing.T) {
	s := newStore(t)
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 1
	tests := map[string]struct {
		data     []byte
		password string
		want     error
	}{
		"wrong password": {good, "another", ErrPassword},
		"no password":    {good, "", ErrPassword},
		"not UTF-8":      {good, "\xff", ErrPassword},
		"cut":            {good[:len(good)-1], testPassword, ErrDamaged},
		"changed":        {changed, testPassword, ErrDamaged},
		"text":           {[]byte("hello"), testPassword, ErrUnknownFormat},
		"empty":          {nil, testPassword, ErrUnknownFormat},
	}
	all := []error{ErrPassword, ErrDamaged, ErrUnknownFormat, ErrUnprotected, ErrLocked, ErrChanged}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.p12")
			if err := os.WriteFile(path, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), path, Password(test.password))
			if !errors.Is(err, test.want) {
				t.Fatalf("%v; want %v", err, test.want)
			}
			for _, other := range all {
				if !errors.Is(test.want, other) && errors.Is(err, other) {
					t.Errorf("%v is %v, too", err, other)
				}
			}
			if strings.Count(err.Error(), path) == 0 {
				t.Errorf("%v does not name the file", err)
			}
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) || hinted.Hint() == "" {
				t.Errorf("%v has no hint", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, test.data) {
				t.Error("the file was touched")
			}
		})
	}
	// The file has holes: nothing of it is on the disk, and nothing of it is read.
	large := filepath.Join(t.TempDir(), "large.p12")
	if err := os.WriteFile(large, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), large, Password(testPassword)); !errors.Is(err, atomicfile.ErrTooLarge) {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none"), Password("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v; want fs.ErrNotExist", err)
	}
}

func TestCreateErrors(t *testing.T) {
	s := newStore(t)
	before, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), s.Path(), Password("x"), Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an existing file: %v; want fs.ErrExist", err)
	}
	if after, _ := os.ReadFile(s.Path()); !bytes.Equal(before, after) {
		t.Error("the file was touched")
	}
	path := filepath.Join(t.TempDir(), "new")
	for _, pw := range []Password{nil, {}} {
		if _, err := Create(t.Context(), path, pw, Options{}); !errors.Is(err, ErrEmptyPassword) {
			t.Errorf("without a password: %v; want ErrEmptyPassword", err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file came to be: %v", err)
	}
	if err := s.SetPassword(nil); !errors.Is(err, ErrEmptyPassword) {
		t.Errorf("SetPassword(nil): %v; want ErrEmptyPassword", err)
	}
}

// TestTwoWriters lets two stores of one file save: the second is told, and what
// the first saved is there.
func TestTwoWriters(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	one := newStore(t)
	two, err := Open(t.Context(), one.Path(), Password(testPassword))
	if err != nil {
		t.Fatal(err)
	}
	add(t, one, "first", ca)
	one = reopen(t, one)
	add(t, two, "second", ca)
	if err := two.Save(t.Context()); !errors.Is(err, ErrChanged) {
		t.Fatalf("the second save: %v; want ErrChanged", err)
	}
	again := reopen(t, one)
	if _, ok := again.Lookup("first"); !ok {
		t.Error("what was saved first is gone")
	}
	if _, ok := again.Lookup("second"); ok {
		t.Error("what was refused is there")
	}
}

func TestLocked(t *testing.T) {
	s := newStore(t)
	lock, err := atomicfile.Acquire(t.Context(), s.Path(), 0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	err = s.Save(t.Context())
	if !errors.Is(err, ErrLocked) {
		t.Errorf("save of a locked file: %v; want ErrLocked", err)
	}
	if after, _ := os.ReadFile(s.Path()); !bytes.Equal(before, after) {
		t.Error("the file was touched")
	}
	if _, err := Open(t.Context(), s.Path(), Password(testPassword)); err != nil {
		t.Errorf("reading a locked file: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Errorf("save after release: %v", err)
	}
}
