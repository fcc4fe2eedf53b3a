package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"keyman/internal/atomicfile"
)

// maxPath is the longest path of a Unix socket, in bytes: sun_path of Linux
// without its final zero.
const maxPath = 107

// lockWait is how long Listen waits for the lock of a daemon that is ending.
const lockWait = time.Second

// A Listener is the socket of a daemon. It belongs to a Server from Serve on.
type Listener struct {
	*net.UnixListener
	path string
	lock *atomicfile.Lock
}

// A BusyError is a socket that another daemon serves.
type BusyError struct {
	Path string
	Err  error
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("a daemon serves %s already: %v", e.Path, e.Err)
}
func (e *BusyError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *BusyError) Hint() string {
	return "end that daemon, or give this one another state directory with --state"
}

// Listen makes the socket at path, and its folder where there is none. It
// returns a *BusyError where a living daemon has it.
func Listen(ctx context.Context, path string) (*Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	lock, err := atomicfile.Acquire(ctx, path, lockWait)
	if errors.Is(err, atomicfile.ErrLocked) {
		return nil, &BusyError{path, err}
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	listener, err := listen(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), lock.Release())
	}
	return &Listener{listener, path, lock}, nil
}

// listen makes the socket; the lock is held.
func listen(path string) (*net.UnixListener, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s is there and is no socket", path)
	default:
		// Whoever made it is dead: the lock was free.
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Until here others may have connected, if the folder lets them; they are
	// turned away by their user id.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close removes the socket.
func (l *Listener) Close() error {
	err := l.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return errors.Join(err, l.lock.Release())
}

// checkPath refuses a path that no socket can have.
func checkPath(path string) error {
	if len(path) > maxPath {
		return longPathError{path}
	}
	return nil
}

// longPathError is a path too long for a socket.
type longPathError struct{ path string }

func (e longPathError) Error() string {
	return fmt.Sprintf("control socket: the path %s has %d bytes, a Unix socket can have %d", e.path, len(e.path), maxPath)
}

// Hint says what to do about it.
func (longPathError) Hint() string { return "use a state directory with a shorter name" }
