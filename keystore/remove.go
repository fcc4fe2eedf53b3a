package keystore

import (
	"context"

	"keyman/internal/atomicfile"
)

// Remove removes the key database from the disk: all its files, the stash file that
// holds its password, and all kept generations. There is no way back. It returns
// ErrLocked, and ErrChanged where the file is not the one that was read or saved
// last; then nothing is removed.
func (s *Store) Remove(ctx context.Context) error {
	err := s.sharedBeforeRemoval(ctx)
	if err == nil {
		err = atomicfile.RemoveSet(ctx, s.set(), atomicfile.Options{Expect: &s.read, System: s.system, Private: []string{s.stash.path}})
	}
	if err != nil {
		return fileError("remove", s.path, err)
	}
	return nil
}

// sharedBeforeRemoval refuses to take a stash file away that opens another key
// database, too.
func (s *Store) sharedBeforeRemoval(ctx context.Context) error {
	if s.stash.held == nil {
		return nil
	}
	return s.sharedStash(ctx)
}
