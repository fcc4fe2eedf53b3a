package atomicfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "keyman/internal/atomicfile"
)

// FuzzJournal puts a journal that somebody else wrote beside a set: whatever is in
// it, no file but those of the set is touched.
func FuzzJournal(f *testing.F) {
	f.Add(`[{"From":".a.1.tmp","To":"a"},{"From":"","To":"b"}]`)
	f.Add(`[{"From":".a.1.tmp","To":"a"}]`)
	f.Add(`[{"From":".a./../../x","To":"a"}]`)
	f.Add(`[{"To":"stranger"}]`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, journal string) {
		dir := t.TempDir()
		paths := setPaths(dir)
		for name, text := range map[string]string{"a": "a", "b": "b", ".a.1.tmp": "new", ".a.journal": journal, "stranger": "s", ".strange.1.tmp": "t"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		data, read, err := ReadSet(paths, 100)
		if err == nil {
			if _, err := SaveSet(t.Context(), paths, [][]byte{[]byte("next"), nil, nil}, Options{Expect: &read}); err != nil {
				t.Fatalf("it was read as %s, and not saved: %v", contents(data), err)
			}
		}
		for name, want := range map[string]string{"stranger": "s", ".strange.1.tmp": "t"} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
				t.Errorf("%s holds %q, %v", name, got, err)
			}
		}
		if got, _ := os.ReadFile(paths[0]); err != nil && string(got) != "a" {
			t.Errorf("a journal that is refused (%s) changed the file", strings.TrimSpace(err.Error()))
		}
	})
}
