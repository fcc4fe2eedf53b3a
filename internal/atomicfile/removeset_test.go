package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRemoveSet(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "keys.kdb"), filepath.Join(dir, "keys.rdb"), filepath.Join(dir, "keys.sth")}
	other := filepath.Join(dir, "keys.p12")
	if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	var saved Fingerprint
	for _, text := range []string{"one", "two", "three"} {
		var err error
		if saved, err = SaveSet(t.Context(), paths, [][]byte{[]byte(text), []byte(text), nil}, Options{Keep: 3}); err != nil {
			t.Fatal(err)
		}
	}
	old := FingerprintOfSet([][]byte{[]byte("one"), []byte("one"), nil})
	if err := RemoveSet(t.Context(), paths, Options{Expect: &old}); !errors.Is(err, ErrChanged) {
		t.Fatalf("%v, want ErrChanged", err)
	}
	if _, now, err := ReadSet(paths, 100); err != nil || now != saved {
		t.Fatalf("the set is not what it was: %v", err)
	}
	if err := RemoveSet(t.Context(), paths, Options{Expect: &saved}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"keys.kdb.lock", "keys.p12"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if err := RemoveSet(t.Context(), paths, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want ErrNotExist", err)
	}
}
