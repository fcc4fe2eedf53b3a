package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	. "keyman/internal/atomicfile"
)

func TestSet(t *testing.T) {
	paths := setPaths(t.TempDir())
	if _, _, err := ReadSet(paths, 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a set that is not there: %v; want fs.ErrNotExist", err)
	}
	saved, err := SaveSet(t.Context(), paths, [][]byte{[]byte("1"), []byte("2"), nil}, Options{Expect: &Fingerprint{}})
	if err != nil {
		t.Fatal(err)
	}
	data, read, err := ReadSet(paths, 10)
	if err != nil || contents(data) != "1 2 -" || read != saved {
		t.Fatalf("ReadSet = %s, %v; want what was saved", contents(data), err)
	}
	if read, err = SaveSet(t.Context(), paths, [][]byte{[]byte("3"), nil, {}}, Options{Expect: &read}); err != nil {
		t.Fatal(err)
	}
	data, again, err := ReadSet(paths, 10)
	if err != nil || contents(data) != "3 2 " || again != read {
		t.Fatalf("ReadSet = %s, %v", contents(data), err)
	}
	if err := os.WriteFile(paths[1], []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SaveSet(t.Context(), paths, [][]byte{[]byte("4"), nil, nil}, Options{Expect: &read}); !errors.Is(err, ErrChanged) {
		t.Errorf("a change of one of the others: %v; want ErrChanged", err)
	}
	if _, _, err := ReadSet(paths, 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too small a limit: %v; want ErrTooLarge", err)
	}
	far := []string{paths[0], filepath.Join(t.TempDir(), "b")}
	if _, err := SaveSet(t.Context(), far, [][]byte{{}, {}}, Options{}); err == nil {
		t.Error("files in two folders are saved together")
	}
}

func TestJournalOfStrangers(t *testing.T) {
	for _, text := range []string{"", "x", "[]", `[{"From":".a.1.tmp","To":"d"}]`, `[{"From":"../a","To":"a"}]`, `[{"From":".a./../../x","To":"a"}]`, `[{"From":"","To":"a"}]`, `[{"From":"","To":"d"}]`} {
		paths := setPaths(t.TempDir())
		if err := os.WriteFile(paths[0], []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(paths[0]), ".a.journal"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ReadSet(paths, 10); err == nil {
			t.Errorf("journal %q is read", text)
		}
		if _, err := SaveSet(t.Context(), paths, [][]byte{{}, nil, nil}, Options{}); err == nil {
			t.Errorf("journal %q is finished", text)
		}
	}
}

func TestGenerations(t *testing.T) {
	paths := setPaths(t.TempDir())
	for n := range 6 {
		data := [][]byte{fmt.Appendf(nil, "a%d", n), nil, nil}
		if n == 3 {
			data[1] = []byte("b3")
		}
		if _, err := SaveSet(t.Context(), paths, data, Options{Keep: 2}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Generations(paths[0])
	if err != nil || len(list) != 2 || list[0].Number != 5 || list[1].Number != 4 {
		t.Fatalf("Generations = %v, %v; want 5 and 4", list, err)
	}
	if data, err := ReadGeneration(paths, 4, 10); err != nil || contents(data) != "a3 b3 -" {
		t.Errorf("generation 4: %s, %v", contents(data), err)
	}
	info, err := os.Stat(paths[0] + ".~4~")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of a generation: %v, %v", info.Mode(), err)
	}
	for name, want := range map[string]bool{"a.~4~": true, "x/a.p12.~12~": true, "a": false, "a.~x~": false, "a.~04~": false, ".~1~": false, "a.~1": false} {
		if got := IsGeneration(name); got != want {
			t.Errorf("IsGeneration(%q) = %v", name, got)
		}
	}
	if err := Forget(t.Context(), paths, Options{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "*~")); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// TestPrivate saves a file with a secret of its own: mode 0600 over any other,
// and no generation.
func TestPrivate(t *testing.T) {
	paths := setPaths(t.TempDir())
	o := Options{Mode: 0o644, Keep: 2, Private: paths[2:]}
	for n := range 3 {
		if err := os.WriteFile(paths[2], []byte("was there"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := SaveSet(t.Context(), paths, [][]byte{{byte('0' + n)}, []byte("b"), []byte("secret")}, o); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []os.FileMode{0o644, 0o644, 0o600} {
		if info, err := os.Stat(paths[i]); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", paths[i], info.Mode(), err, want)
		}
	}
	if kept, _ := filepath.Glob(paths[2] + ".~*~"); len(kept) != 0 {
		t.Errorf("generations of the private file: %v", kept)
	}
	if kept, _ := filepath.Glob(paths[1] + ".~*~"); len(kept) == 0 {
		t.Error("no generations of the other file")
	}
	if _, err := SaveSet(t.Context(), paths, [][]byte{{}, nil, nil}, Options{Remove: paths[:1]}); err == nil {
		t.Error("the main file is removed")
	}
	if _, err := SaveSet(t.Context(), paths, [][]byte{{}, nil, {}}, Options{Remove: paths[2:]}); err == nil {
		t.Error("a file is written and removed")
	}
}
