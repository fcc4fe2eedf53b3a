package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// tempPrefix and tempSuffix stand around the name of a file that is being
	// written beside the one whose name it will get.
	tempPrefix = "."
	tempSuffix = ".tmp"
)

// tempName is what the temporary files of path begin with.
func tempName(path string) string { return tempPrefix + filepath.Base(path) + "." }

// sweep removes what saves that were stopped have left: new files that never got
// their name, and parts of generations whose main file is not there. Without it
// each of them would stay for ever, and with it the keys it holds. The set must
// be locked and finished: then no such file belongs to anybody.
func (s set) sweep(l System) error {
	dir := filepath.Dir(s.paths[0])
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	kept := map[int]bool{}
	for _, entry := range entries {
		if number, ok := generationOf(entry.Name(), filepath.Base(s.paths[0])); ok {
			kept[number] = true
		}
	}
	var failed error
	for _, entry := range entries {
		if !s.isTemporary(entry.Name()) && !s.isOrphan(entry.Name(), kept) {
			continue
		}
		if err := l.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// isTemporary reports whether a name is that of a new file of the set, of one of
// its generations or of its journal, and of no other file beside it.
func (s set) isTemporary(name string) bool {
	for i, path := range append([]string{s.journal}, s.paths...) {
		if i > 0 && s.unswept[i-1] {
			continue
		}
		rest, ok := strings.CutPrefix(name, tempName(path))
		rest, ends := strings.CutSuffix(rest, tempSuffix)
		if !ok || !ends {
			continue
		}
		if generation, digits, found := strings.Cut(rest, "~."); found {
			if _, ok := generationOf(filepath.Base(path)+"."+generation+"~", filepath.Base(path)); !ok {
				continue
			}
			rest = digits
		}
		if rest != "" && strings.Trim(rest, "0123456789") == "" {
			return true
		}
	}
	return false
}

// isOrphan reports whether a name is that of a generation of another file than
// the main one, which has none with this number.
func (s set) isOrphan(name string, kept map[int]bool) bool {
	for _, path := range s.paths[1:] {
		if number, ok := generationOf(name, filepath.Base(path)); ok && !kept[number] {
			return true
		}
	}
	return false
}
