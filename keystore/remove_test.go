package keystore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/testpeer"
)

func TestRemove(t *testing.T) {
	testpeer.Long(t)
	pw := Password("secret")
	for _, name := range []string{"keys.p12", "keys.kdb"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			f, _ := FormatForPath(path)
			store, err := New(path, pw, Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			if err := store.SetStashed(true); err != nil {
				t.Fatal(err)
			}
			for _, label := range []string{"one", "two"} {
				if err := store.AddSecretKey(label, []byte("key")); err != nil {
					t.Fatal(err)
				}
				if err := store.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			old, err := Open(t.Context(), path, pw)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.AddSecretKey("three", []byte("key")); err != nil {
				t.Fatal(err)
			}
			if err := store.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := old.Remove(t.Context()); !errors.Is(err, ErrChanged) {
				t.Fatalf("%v, want ErrChanged", err)
			}
			if err := store.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Name() != name+".lock" && e.Name() != "keys.sth.lock" {
					t.Errorf("%s is left", e.Name())
				}
			}
		})
	}
}

// A stash file that opens another key database, too, is not taken away.
func TestRemoveSharedStash(t *testing.T) {
	testpeer.Long(t)
	pw, dir := Password("secret"), t.TempDir()
	store, err := New(filepath.Join(dir, "keys.kdb"), pw, Options{Format: cms{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SetStashed(true); err != nil {
		t.Fatal(err)
	}
	if err := store.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), filepath.Join(dir, "keys.p12"), pw, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(t.Context()); !errors.Is(err, ErrForeignStash) {
		t.Errorf("%v, want ErrForeignStash", err)
	}
	if _, err := Open(t.Context(), store.Path(), pw); err != nil {
		t.Errorf("nothing is to be removed: %v", err)
	}
}
