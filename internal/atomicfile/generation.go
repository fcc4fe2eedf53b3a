package atomicfile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Generation is what a file was before a save.
type Generation struct {
	// Number is higher the younger it is.
	Number int
	// Replaced is when something newer took its place.
	Replaced time.Time
}

// Generations lists the kept generations of a file, the youngest first.
func Generations(path string) ([]Generation, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	var list []Generation
	for _, entry := range entries {
		number, ok := generationOf(entry.Name(), filepath.Base(target))
		if !ok {
			continue
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // it went meanwhile, or is no generation
		}
		list = append(list, Generation{number, info.ModTime()})
	}
	slices.SortFunc(list, func(a, b Generation) int { return cmp.Compare(b.Number, a.Number) })
	return list, nil
}

// IsGeneration reports whether a path is that of a generation of some file.
func IsGeneration(path string) bool {
	name := filepath.Base(path)
	i := strings.LastIndex(name, ".~")
	if i <= 0 {
		return false
	}
	_, ok := generationOf(name, name[:i])
	return ok
}

// generationOf reads the number in the name of a generation of a file.
func generationOf(name, of string) (int, bool) {
	rest, ok := strings.CutPrefix(name, of+".~")
	number, end := strings.CutSuffix(rest, "~")
	n, err := strconv.ParseUint(number, 10, 31)
	return int(n), ok && end && err == nil && strconv.FormatUint(n, 10) == number
}

// generationPath names a generation.
func generationPath(path string, number int) string { return fmt.Sprintf("%s.~%d~", path, number) }

// ReadGeneration returns the contents of a generation of a set, as ReadSet does.
func ReadGeneration(paths []string, number int, limit int64) ([][]byte, error) {
	set, err := newSet(paths)
	if err != nil {
		return nil, err
	}
	data := make([][]byte, len(paths))
	for i, path := range set.paths {
		data[i], _, err = Read(generationPath(path, number), limit)
		if err != nil && (i == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	return data, nil
}

// RemoveGeneration removes one generation of a set, under the lock of its first
// file.
func RemoveGeneration(ctx context.Context, paths []string, number int, o Options) error {
	return locked(ctx, paths, o, false, func(s set, l System) error {
		if err := s.remove(l, number); err != nil {
			return err
		}
		return l.Flush(filepath.Dir(s.paths[0]))
	})
}

// Forget removes all generations of a set but the youngest Options.Keep, and what
// saves that were stopped have left, under the lock of its first file.
func Forget(ctx context.Context, paths []string, o Options) error {
	return locked(ctx, paths, o, false, func(s set, l System) error {
		return errors.Join(s.forget(l, o.Keep), s.sweep(l))
	})
}

// locked does something with the generations of a set that nobody is saving, or removes
// all of its files.
func locked(ctx context.Context, paths []string, o Options, removed bool, do func(set, System) error) error {
	lock, err := Acquire(ctx, paths[0], o.Wait)
	if err != nil {
		return err
	}
	return errors.Join(lockedSet(ctx, paths, o, removed, do), lock.Release())
}

func lockedSet(ctx context.Context, paths []string, o Options, removed bool, do func(set, System) error) error {
	s, err := newSet(paths)
	if err != nil {
		return err
	}
	for i, path := range paths {
		s.private[i] = slices.Contains(o.Private, path)
	}
	release, err := s.share(ctx, o, func(int) bool { return removed })
	if err != nil {
		return err
	}
	if err = s.finish(o.system()); err == nil {
		err = do(s, o.system())
	}
	return errors.Join(err, release())
}

// keep writes what the files hold as a new generation, mode 0600, but for those
// that are private. That of the main file comes last: without it there is no
// generation. What a save kept that then failed is not kept twice: a disk that is
// full does not become fuller with every try.
func (s set) keep(l System, data [][]byte) error {
	number := 1
	list, err := Generations(s.paths[0])
	if err != nil {
		return err
	}
	if len(list) > 0 {
		number = list[0].Number + 1
		if s.isKept(list[0].Number, data) {
			return nil
		}
	}
	for i := len(s.paths) - 1; i >= 0; i-- {
		path := generationPath(s.paths[i], number)
		if data[i] == nil || s.private[i] {
			// One may be left of a save that was stopped.
			if err := l.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			continue
		}
		if err := replace(l, path, data[i], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// isKept reports whether a generation is what the files hold.
func (s set) isKept(number int, data [][]byte) bool {
	for i, path := range s.paths {
		kept, _, err := Read(generationPath(path, number), int64(len(data[i])))
		switch {
		case data[i] == nil || s.private[i]:
			if !errors.Is(err, fs.ErrNotExist) {
				return false
			}
		case err != nil || !bytes.Equal(kept, data[i]):
			return false
		}
	}
	return true
}

func (s set) forget(l System, keep int) error {
	list, err := Generations(s.paths[0])
	if err != nil {
		return err
	}
	for n, generation := range list {
		if n < keep {
			continue
		}
		if err := s.remove(l, generation.Number); err != nil {
			return err
		}
	}
	return l.Flush(filepath.Dir(s.paths[0]))
}

// remove removes the files of a generation.
func (s set) remove(l System, number int) error {
	for _, path := range s.paths {
		if err := l.Remove(generationPath(path, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
