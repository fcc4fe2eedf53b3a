package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrPending is a file that the save of another set, which was stopped, is going to
// write.
var ErrPending = errors.New("is to be written by a save that was stopped")

// sweepWait is how long the lock of a file is waited for that is only swept up.
const sweepWait = time.Millisecond

// A PendingError is an ErrPending that names the file and the main file of the set whose
// save was stopped.
type PendingError struct{ Path, Set string }

func (e *PendingError) Error() string {
	return fmt.Sprintf("%s %v: that of %s", e.Path, ErrPending, e.Set)
}

// Is reports whether target is ErrPending.
func (e *PendingError) Is(target error) bool { return target == ErrPending }

// Hint says what to do about it.
func (e *PendingError) Hint() string {
	return "finish that save first: the next change of that file does it"
}

// share locks the private files of a set that a change is about to touch, for other
// sets may have them, too: each of these has a main file, and a lock, of its own. What
// others write of a private file that is not locked is not swept up. The set must be
// locked itself; a save of it that was stopped may touch all its files.
//
// It returns a function that gives the locks up, and a PendingError for a file that
// another set has committed to, and not yet written.
func (s set) share(ctx context.Context, o Options, touched func(i int) bool) (release func() error, err error) {
	var locks []*Lock
	release = func() (err error) {
		for _, lock := range locks {
			err = errors.Join(err, lock.Release())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, release())
		}
	}()
	_, unfinished := os.Lstat(s.journal)
	for i, path := range s.paths {
		if !s.private[i] {
			continue
		}
		touch, wait := unfinished == nil || touched(i), o.Wait
		if !touch {
			if s.unswept[i] = !hasTemporary(path); s.unswept[i] {
				continue // one that comes from now on is another's
			}
			wait = sweepWait
		}
		lock, err := Acquire(ctx, path, wait)
		switch {
		case err == nil:
			locks = append(locks, lock)
		case touch:
			return release, err
		default:
			s.unswept[i] = true
			continue
		}
		other, err := s.pending(path)
		switch {
		case err != nil:
			return release, err
		case other != "" && touch:
			return release, &PendingError{path, other}
		case other != "":
			s.unswept[i] = true
		}
	}
	return release, nil
}

// pending finds another set in the folder whose save was stopped after it had committed
// to write or remove a file; "" where there is none.
func (s set) pending(path string) (string, error) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		main, ok := strings.CutSuffix(entry.Name(), journalSuffix)
		journal := filepath.Join(dir, entry.Name())
		if !ok || !strings.HasPrefix(main, tempPrefix) || journal == s.journal {
			continue
		}
		steps, err := readSteps(journal)
		if err != nil {
			continue // finished by now, or not the journal of a save
		}
		for _, one := range steps {
			if one.To == filepath.Base(path) {
				return filepath.Join(dir, main[len(tempPrefix):]), nil
			}
		}
	}
	return "", nil
}

// hasTemporary reports whether a new file lies beside one whose name it was to get.
func hasTemporary(path string) bool {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempName(path)) {
			return true
		}
	}
	return false
}
