package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// A layer is what saving needs of the operating system, so that the tests can
// stop it at every step.
type layer interface {
	// create makes a new file in a folder, exclusively, with a name that
	// nobody else uses.
	create(dir, prefix string, mode fs.FileMode) (file, error)
	rename(from, to string) error
	remove(path string) error
	// flush makes the names in a folder durable.
	flush(dir string) error
}

// A file is a file that is being written.
type file interface {
	Name() string
	Write(p []byte) (int, error)
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error
	Close() error
}

// system is the layer of a running program.
type system struct{}

func (system) create(dir, prefix string, mode fs.FileMode) (file, error) {
	// CreateTemp opens with O_EXCL and mode 0600; a wider mode is set before
	// the first byte is written.
	f, err := os.CreateTemp(dir, prefix+"*.tmp")
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

func (system) rename(from, to string) error { return os.Rename(from, to) }

func (system) remove(path string) error { return os.Remove(path) }

func (system) flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some file systems cannot flush a folder and say so with EINVAL; there
	// the rename is as durable as it gets.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// owner returns the user and group of an existing file.
func owner(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
