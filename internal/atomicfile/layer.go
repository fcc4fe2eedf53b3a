package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// A System is what saving needs of the operating system. A program leaves it to
// [OS]; package faultfs stops it at every step, for tests.
type System interface {
	// Create makes a new file in a folder, exclusively, with a name of the
	// prefix, some digits and ".tmp".
	Create(dir, prefix string, mode fs.FileMode) (File, error)
	// Rename gives a file another name in its folder, in place of what has it.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(path string) error
	// Flush makes the names in a folder durable.
	Flush(dir string) error
}

// A File is a file that is being written.
type File interface {
	Name() string
	Write(p []byte) (int, error)
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error
	Close() error
}

// OS returns the System of a running program.
func OS() System { return system{} }

type system struct{}

func (system) Create(dir, prefix string, mode fs.FileMode) (File, error) {
	// CreateTemp opens with O_EXCL and mode 0600; a wider mode is set before
	// the first byte is written.
	f, err := os.CreateTemp(dir, prefix+"*"+tempSuffix)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

func (system) Rename(from, to string) error { return os.Rename(from, to) }

func (system) Remove(path string) error { return os.Remove(path) }

func (system) Flush(dir string) error {
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

// Names returns how many names (hard links) a file has. A save gives its name to a new
// file; under the others what was there stays.
func Names(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}
