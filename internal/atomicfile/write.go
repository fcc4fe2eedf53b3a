package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotRegular is a path that leads to a folder, a device or a pipe.
var ErrNotRegular = errors.New("not a regular file")

// Write replaces the content of path whole or not at all, without lock and
// without a look at what was there. A new file gets mode; an existing one keeps
// its own.
func Write(path string, data []byte, mode fs.FileMode) error {
	target, err := resolve(path)
	if err != nil {
		return err
	}
	return replace(system{}, target, data, mode)
}

// replace does the steps of Write on a path without symbolic links.
func replace(l System, path string, data []byte, mode fs.FileMode) (err error) {
	old, err := stat(path)
	if err != nil {
		return err
	}
	if old != nil {
		mode = old.Mode().Perm()
	}
	dir := filepath.Dir(path)
	// The file gets its full mode only after its owner is right: a group must
	// not read it that the old file did not name.
	f, err := l.Create(dir, tempName(path), mode&0o700)
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save %s: %w", path, err)
			// A temporary file that cannot be removed harms nobody: the
			// error of the save itself matters.
			_ = l.Remove(f.Name())
		}
	}()
	if err := fill(f, data, old, mode); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := l.Rename(f.Name(), path); err != nil {
		return err
	}
	if err := l.Flush(dir); err != nil {
		// The new content is in place, whole; only its durability is in doubt.
		return fmt.Errorf("the new content is in place, but its folder could not be flushed to disk: %w", err)
	}
	return nil
}

// fill writes content, owner and mode, and flushes them.
func fill(f File, data []byte, old fs.FileInfo, mode fs.FileMode) error {
	if old != nil {
		if uid, gid, ok := owner(old); ok && f.Chown(uid, gid) != nil {
			mode &= 0o700 // not the owner's process: the file becomes ours alone
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// stat describes the file at path; nil where there is none.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	return info, nil
}

// resolve follows symbolic links to the file that is meant. The file itself
// need not exist; its folder must.
func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return filepath.Abs(target)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is a symbolic link to a file that is not there: %w", path, fs.ErrNotExist)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(dir, filepath.Base(path)))
}
