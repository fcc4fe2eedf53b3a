package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

const (
	// folderPrefix begins the name of a folder that is being written.
	folderPrefix = ".keyman-"
	// maxFolderTries bounds how often a writer makes a folder anew that somebody
	// took for an abandoned one.
	maxFolderTries = 10
)

// A NewFile is a file of a folder that is written.
type NewFile struct {
	Name    string // without a folder
	Content []byte
	Mode    fs.FileMode
}

// WriteFolder makes a folder at path, mode 0700, with these files: it is there whole or
// not at all. It returns fs.ErrExist where there is something at path already.
//
// The folder is written under a name of its own and locked meanwhile. One that is not
// locked belongs to a writer that was stopped, and the next one who writes a folder
// beside it removes it.
func WriteFolder(path string, files []NewFile) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	parent := filepath.Dir(path)
	// That an old one cannot be removed is no reason not to write a new one.
	_ = sweepFolders(parent)
	temporary, lock, err := lockedFolder(parent)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
		err = errors.Join(err, lock.Close())
	}()
	for _, f := range files {
		if err := f.write(temporary); err != nil {
			return err
		}
	}
	if err := (system{}).Flush(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return system{}.Flush(parent)
}

func (f NewFile) write(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}
	_, err = file.Write(f.Content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// lockedFolder makes a folder to write to, which is locked until the lock is closed.
func lockedFolder(parent string) (string, *flock.Flock, error) {
	for range maxFolderTries {
		path, err := os.MkdirTemp(parent, folderPrefix+"*"+tempSuffix) // mode 0700
		if err != nil {
			return "", nil, err
		}
		lock, ok, err := lockFolder(path)
		switch {
		case ok:
			return path, lock, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			// As where the file system has no locks: then nobody removes it.
			return path, lock, nil
		}
		// Somebody was between its making and its lock, and removes it.
	}
	return "", nil, fmt.Errorf("each new folder in %s was removed by others", parent)
}

// lockFolder locks a folder that is still there when it is locked; not where another
// one holds the lock.
func lockFolder(path string) (lock *flock.Flock, ok bool, err error) {
	lock = flock.New(path, flock.SetFlag(os.O_RDONLY|syscall.O_NOFOLLOW))
	if ok, err = lock.TryLock(); err == nil && ok {
		var locked, there fs.FileInfo
		if locked, err = lock.Stat(); err == nil {
			there, err = os.Lstat(path)
		}
		ok = err == nil && os.SameFile(locked, there)
	}
	if !ok {
		err = errors.Join(err, lock.Close())
	}
	return lock, ok, err
}

// sweepFolders removes the folders that writers who were stopped have left in a folder:
// those with such a name, of this user, that nobody has locked. In them are keys.
func sweepFolders(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	var failed error
	for _, entry := range entries {
		if path := filepath.Join(parent, entry.Name()); isFolderName(entry.Name()) && ownFolder(path) {
			failed = errors.Join(failed, removeAbandoned(path))
		}
	}
	return failed
}

// isFolderName reports whether a name is that of a folder that is being written.
func isFolderName(name string) bool {
	digits, ok := strings.CutPrefix(name, folderPrefix)
	digits, ends := strings.CutSuffix(digits, tempSuffix)
	return ok && ends && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// ownFolder reports whether there is a folder of this user for nobody else.
func ownFolder(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	uid, _, ok := owner(info)
	return ok && uid == os.Geteuid()
}

// removeAbandoned removes a folder that no writer has locked, with what WriteFolder
// puts into one: files, and no folders.
func removeAbandoned(path string) error {
	lock, ok, err := lockFolder(path)
	if err != nil || !ok {
		return err
	}
	defer lock.Close()
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			return nil // not the work of WriteFolder
		}
	}
	return os.RemoveAll(path)
}
