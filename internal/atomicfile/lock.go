package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	// DefaultWait is how long a lock is waited for where Options say nothing.
	DefaultWait = 5 * time.Second
	// lockSuffix makes the name of the lock file.
	lockSuffix = ".lock"
	// retryDelay is the pause between two tries to get the lock.
	retryDelay = 20 * time.Millisecond
	// maxPID bounds what is read of a lock file, in bytes.
	maxPID = 20
)

var (
	// ErrLocked is a file that another writer holds.
	ErrLocked = errors.New("is locked by another writer")
	// ErrChanged is a file that somebody changed since it was read.
	ErrChanged = errors.New("was changed by somebody else since it was read")
)

// A LockedError is an ErrLocked that names the file and, where it is known, the
// process that holds it.
type LockedError struct {
	Path string
	PID  int // 0 where unknown
}

func (e *LockedError) Error() string {
	if e.PID > 0 {
		return fmt.Sprintf("%s %v (process %d)", e.Path, ErrLocked, e.PID)
	}
	return fmt.Sprintf("%s %v", e.Path, ErrLocked)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Hint says what to do about it.
func (e *LockedError) Hint() string { return "try again when the other program has finished" }

// Options say how a file is saved. The zero value saves over any content, with
// mode 0600 for a new file.
type Options struct {
	// Mode is the mode of a new file; 0 is 0600. An existing file keeps its own.
	Mode fs.FileMode
	// Expect is the content that the file must still have; nil is any, and a
	// pointer to the zero Fingerprint demands that there is no file yet.
	Expect *Fingerprint
	// Keep is how many generations of what was there before a SaveSet keeps; 0
	// keeps none and removes none.
	Keep int
	// Private are those paths of a SaveSet that hold a secret of their own, such
	// as a password: they get mode 0600, whatever they had, and no generation of
	// them is kept. Other sets may have them, too: whatever changes them locks them.
	Private []string
	// Remove are those paths of a SaveSet that it removes; never the main one.
	Remove []string
	// System is what does the work; nil is that of the operating system.
	System System
	// Wait bounds how long the lock is waited for; 0 is DefaultWait.
	Wait time.Duration
}

func (o Options) system() System {
	if o.System == nil {
		return OS()
	}
	return o.System
}

// Save replaces the content of path whole or not at all under the file's lock,
// and returns the new fingerprint. It returns a LockedError where the lock
// cannot be had in time, ErrChanged where the content is not the expected one.
func Save(ctx context.Context, path string, data []byte, o Options) (Fingerprint, error) {
	lock, err := Acquire(ctx, path, o.Wait)
	if err != nil {
		return Fingerprint{}, err
	}
	saved, err := lock.Save(data, o)
	return saved, errors.Join(err, lock.Release())
}

// A Lock keeps other writers away from a file.
type Lock struct {
	path string // without symbolic links
	lock *flock.Flock
}

// tryLock takes a lock, at once or while waiting lasts: one that is free is had
// however short that is.
func tryLock(ctx, waiting context.Context, lock *flock.Flock) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	locked, err := lock.TryLock()
	if err != nil || locked {
		return err
	}
	_, err = lock.TryLockContext(waiting, retryDelay)
	return err
}

// Acquire takes the lock of the file at path, which need not exist. It waits
// for at most wait (0 is DefaultWait) or until ctx ends.
func Acquire(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if wait == 0 {
		wait = DefaultWait
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	name := target + lockSuffix
	lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	if err := tryLock(ctx, waiting, lock); err != nil {
		_ = lock.Close()
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("lock %s: %w", target, ctx.Err())
		case waiting.Err() != nil:
			return nil, &LockedError{Path: target, PID: holder(name)}
		default:
			return nil, fmt.Errorf("lock %s: %w", target, err)
		}
	}
	// Something else may have that name: nobody truncates what he did not make.
	if info, err := lock.Stat(); err != nil || info.Size() > maxPID {
		return nil, errors.Join(fmt.Errorf("lock %s: there is a file %s, which is no lock file", target, name), err, lock.Close())
	}
	// The process id helps a person who meets the lock; the lock holds without it.
	_ = note(name, strconv.Itoa(os.Getpid()))
	return &Lock{path: target, lock: lock}, nil
}

// Save replaces the file's content under the lock; Options.Wait has no meaning here.
func (l *Lock) Save(data []byte, o Options) (Fingerprint, error) {
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	if o.Expect != nil {
		now, err := current(l.path)
		if err != nil {
			return Fingerprint{}, fmt.Errorf("look at %s: %w", l.path, err)
		}
		if now != *o.Expect {
			return Fingerprint{}, fmt.Errorf("%s %w", l.path, ErrChanged)
		}
	}
	set, err := newSet([]string{l.path})
	if err != nil {
		return Fingerprint{}, err
	}
	// What cannot be removed of an earlier save harms nobody.
	_ = set.sweep(o.system())
	if err := replace(o.system(), l.path, data, o.Mode); err != nil {
		return Fingerprint{}, err
	}
	return FingerprintOf(data), nil
}

// Release gives the lock up. The lock file stays: whoever removed it could
// remove the one that another process has just locked.
func (l *Lock) Release() error {
	_ = note(l.path+lockSuffix, "")
	return l.lock.Close()
}

// note writes the holder into the lock file.
func note(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// holder reads the process id from the lock file; 0 where there is none.
func holder(name string) int {
	f, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPID))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
