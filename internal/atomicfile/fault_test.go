package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	. "keyman/internal/atomicfile"
	"keyman/internal/atomicfile/faultfs"
)

// maxSteps bounds the steps of a save in these tests.
const maxSteps = 80

// TestKilledAtEveryStep stops a save at each of its steps: the file is the old
// one or the new one, whole, and the save said so by its error.
func TestKilledAtEveryStep(t *testing.T) {
	const before, after = "the old content", "the new content, which is longer"
	for _, exists := range []bool{true, false} {
		for at := 1; ; at++ {
			path := filepath.Join(t.TempDir(), "f")
			if exists {
				if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			disk := &faultfs.Disk{At: at}
			_, err := Save(t.Context(), path, []byte(after), Options{System: disk})
			got, readErr := os.ReadFile(path)
			isOld := string(got) == before && exists || errors.Is(readErr, fs.ErrNotExist) && !exists
			isNew := string(got) == after
			if !isOld && !isNew {
				t.Fatalf("existing %v, stopped at step %d: the file holds %q, %v", exists, at, got, readErr)
			}
			if err == nil {
				if !isNew || at <= len(disk.Steps()) {
					t.Fatalf("existing %v, stopped at step %d of %d: no error, new content %v", exists, at, len(disk.Steps()), isNew)
				}
				break
			}
			if !errors.Is(err, faultfs.ErrKilled) || at > maxSteps {
				t.Fatal(err)
			}
			if _, err := Save(t.Context(), path, []byte(after), Options{}); err != nil {
				t.Fatal(err)
			}
			if names := hidden(t, path); len(names) != 0 {
				t.Errorf("existing %v, stopped at step %d: after the next save %v are left", exists, at, names)
			}
		}
	}
}

// TestFailureLeavesNoRubbish fails at each step, with the process alive: the
// temporary file is removed.
func TestFailureLeavesNoRubbish(t *testing.T) {
	for at := 1; ; at++ {
		path := filepath.Join(t.TempDir(), "f")
		disk := &faultfs.Disk{At: at, Err: syscall.EIO}
		_, err := Save(t.Context(), path, []byte("content"), Options{System: disk})
		if names := hidden(t, path); len(names) != 0 {
			t.Errorf("failing at step %d (%v) left %v", at, err, names)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EIO) || at > maxSteps {
			t.Fatal(err)
		}
	}
}

// hidden lists the files beside path that a save makes and does not leave.
func hidden(t *testing.T, path string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestSweep leaves alone what only looks like a file of a save that was stopped.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "keys.kdb"), filepath.Join(dir, "keys.rdb")}
	litter := []string{".keys.kdb.123.tmp", ".keys.rdb.0.tmp", ".keys.kdb.~7~.99.tmp", "..keys.kdb.journal.5.tmp", "keys.rdb.~6~"}
	others := []string{
		".keys.kdb.bak.123.tmp", ".keys.kdb.tmp", ".keys.kdb..tmp", ".keys.kdb.12x.tmp", ".keys.kdb.~x~.1.tmp", "keys.kdb.1.tmp",
		".other.kdb.1.tmp", "keys.kdb.~7~", "keys.rdb.~7~", "keys.rdb.~07~", ".keys.kdb.1.tmp.txt",
	}
	for _, name := range append(append([]string{"keys.kdb", "keys.rdb"}, litter...), others...) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := SaveSet(t.Context(), paths, [][]byte{[]byte("a"), []byte("b")}, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range litter {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	for _, name := range others {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != name {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

// setPaths names the files of a set in a folder.
func setPaths(dir string) []string {
	return []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")}
}

// contents writes a set in one line, - for a file that is absent.
func contents(data [][]byte) string {
	var words []string
	for _, one := range data {
		if one == nil {
			words = append(words, "-")
			continue
		}
		words = append(words, string(one))
	}
	return strings.Join(words, " ")
}

// TestSetKilledAtEveryStep stops a save of several files at each of its steps:
// readers find all old ones or all new ones, and the next save finishes it.
func TestSetKilledAtEveryStep(t *testing.T) {
	tests := map[string]struct {
		before, after string
		was, data     [][]byte
		remove        int // from this file on; 0 is none
	}{
		"more":    {"old-a old-b -", "new-a new-b new-c", [][]byte{[]byte("old-a"), []byte("old-b"), nil}, [][]byte{[]byte("new-a"), []byte("new-b"), []byte("new-c")}, 0},
		"removes": {"old-a old-b old-c", "new-a old-b -", [][]byte{[]byte("old-a"), []byte("old-b"), []byte("old-c")}, [][]byte{[]byte("new-a"), nil, nil}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				paths := setPaths(t.TempDir())
				if _, err := SaveSet(t.Context(), paths, test.was, Options{}); err != nil {
					t.Fatal(err)
				}
				o := Options{System: &faultfs.Disk{At: at}, Keep: 1}
				if test.remove > 0 {
					o.Remove = paths[test.remove:]
				}
				_, err := SaveSet(t.Context(), paths, test.data, o)
				found, read, readErr := ReadSet(paths, 100)
				if got := contents(found); readErr != nil || got != test.before && got != test.after || err == nil && got != test.after {
					t.Fatalf("stopped at step %d: %s, %v; the save said %v", at, got, readErr, err)
				}
				// The next save finds what the reader found, and finishes it.
				again, saveErr := SaveSet(t.Context(), paths, [][]byte{[]byte("next"), nil, nil}, Options{Expect: &read, Keep: 1})
				if saveErr != nil {
					t.Fatalf("stopped at step %d, the next save: %v", at, saveErr)
				}
				if names := hidden(t, paths[0]); len(names) != 0 {
					t.Fatalf("stopped at step %d: %v are left", at, names)
				}
				found[0] = []byte("next")
				next, now, readErr := ReadSet(paths, 100)
				if readErr != nil || now != again || contents(next) != contents(found) {
					t.Fatalf("stopped at step %d, after the next save: %s, %v; want %s", at, contents(next), readErr, contents(found))
				}
				if list, err := Generations(paths[0]); err != nil || len(list) != 1 {
					t.Fatalf("stopped at step %d, after the next save: generations %v, %v", at, list, err)
				}
				if err == nil {
					break
				}
				if !errors.Is(err, faultfs.ErrKilled) || at > maxSteps {
					t.Fatalf("step %d: %v", at, err)
				}
			}
		})
	}
}

// TestFullDisk saves on a disk that becomes full at each step and stays so: the
// file is the old one, nothing is left beside it, and tries do not add up.
func TestFullDisk(t *testing.T) {
	for at := 1; ; at++ {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		for range 3 {
			_, err = SaveSet(t.Context(), []string{path}, [][]byte{[]byte("new")}, Options{System: &faultfs.Disk{At: at, Full: true}, Keep: 2})
			if err == nil {
				break
			}
		}
		if err == nil {
			break
		}
		got, readErr := os.ReadFile(path)
		if !errors.Is(err, syscall.ENOSPC) || string(got) != "old" || readErr != nil || at > maxSteps {
			t.Fatalf("full from step %d on: %v; the file holds %q, %v", at, err, got, readErr)
		}
		if names := hidden(t, path); len(names) != 0 {
			t.Errorf("full from step %d on (%v): left are %v", at, err, names)
		}
		if list, err := Generations(path); err != nil || len(list) > 1 {
			t.Errorf("full from step %d on: generations %v, %v", at, list, err)
		}
	}
}

// TestForgetKilledAtEveryStep stops the removal of generations: those that are
// left are whole, and doing it again leaves none.
func TestForgetKilledAtEveryStep(t *testing.T) {
	for at := 1; ; at++ {
		paths := setPaths(t.TempDir())
		for n := range 3 {
			if _, err := SaveSet(t.Context(), paths, [][]byte{fmt.Appendf(nil, "a%d", n), fmt.Appendf(nil, "b%d", n), nil}, Options{Keep: 5}); err != nil {
				t.Fatal(err)
			}
		}
		err := Forget(t.Context(), paths, Options{System: &faultfs.Disk{At: at}})
		list, listErr := Generations(paths[0])
		if listErr != nil || err == nil && len(list) != 0 {
			t.Fatalf("stopped at step %d (%v): %v, %v", at, err, list, listErr)
		}
		for _, g := range list {
			if data, err := ReadGeneration(paths, g.Number, 10); err != nil || contents(data) != fmt.Sprintf("a%d b%d -", g.Number-1, g.Number-1) {
				t.Errorf("stopped at step %d: generation %d is %s, %v", at, g.Number, contents(data), err)
			}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, faultfs.ErrKilled) || at > maxSteps {
			t.Fatal(err)
		}
		if err := Forget(t.Context(), paths, Options{}); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "*~")); len(left) != 0 {
			t.Errorf("stopped at step %d, once more: left are %v", at, left)
		}
	}
}
