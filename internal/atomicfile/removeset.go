package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// RemoveSet removes the files of a set, all generations of them, and what saves
// that were stopped have left, under the lock of the first one. Where
// Options.Expect is not what is there it returns ErrChanged and removes nothing.
// The main file goes first: whoever stops the removal finds no set that looks whole.
func RemoveSet(ctx context.Context, paths []string, o Options) error {
	return locked(ctx, paths, o, true, func(s set, l System) error {
		before, now, err := s.read(maxCompared, nil)
		switch {
		case err != nil:
			return fmt.Errorf("look at %s: %w", s.paths[0], err)
		case before[0] == nil:
			return &fs.PathError{Op: "remove", Path: s.paths[0], Err: fs.ErrNotExist}
		case o.Expect != nil && now != *o.Expect:
			return fmt.Errorf("%s %w", s.paths[0], ErrChanged)
		}
		for _, path := range s.paths {
			if err := l.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return errors.Join(s.forget(l, 0), s.sweep(l), l.Flush(filepath.Dir(s.paths[0])))
	})
}
