package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteFolder writes a folder whole or not at all.
func TestWriteFolder(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "keys")
	files := []NewFile{{"gw.key", []byte("key"), 0o600}, {"gw.crt", []byte("certificate"), 0o644}}
	if err := WriteFolder(path, files); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(path, f.Name))
		if info, _ := os.Stat(filepath.Join(path, f.Name)); err != nil || string(data) != string(f.Content) || info.Mode().Perm() != f.Mode {
			t.Errorf("%s is %q, %v, %v", f.Name, data, info.Mode(), err)
		}
	}
	if err := WriteFolder(path, files); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over what is there: %v", err)
	}
	twice := filepath.Join(parent, "twice")
	if err := WriteFolder(twice, append(files, files[0])); !errors.Is(err, fs.ErrExist) {
		t.Errorf("two files of one name: %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 1 {
		t.Errorf("left are %v; want the folder alone", left)
	}
}

// TestWriteFolderSweeps removes what a writer has left that was stopped, and nothing
// else.
func TestWriteFolderSweeps(t *testing.T) {
	parent := t.TempDir()
	folder := func(name string, mode fs.FileMode) string {
		t.Helper()
		path := filepath.Join(parent, name)
		if err := errors.Join(os.Mkdir(path, mode), os.WriteFile(filepath.Join(path, "gw.key"), []byte("key"), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	abandoned := folder(".keyman-123.tmp", 0o700)
	written := folder(".keyman-456.tmp", 0o700)
	lock, ok, err := lockFolder(written)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	defer lock.Close()
	stays := []string{written, folder(".keyman-.tmp", 0o700), folder(".keyman-12x.tmp", 0o700), folder("keyman-12.tmp", 0o700), folder(".keyman-78.tmp", 0o755)}
	deep := folder(".keyman-9.tmp", 0o700)
	if err := os.Mkdir(filepath.Join(deep, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(parent, ".keyman-10.tmp")
	if err := os.Symlink("keyman-12.tmp", linked); err != nil {
		t.Fatal(err)
	}
	if err := WriteFolder(filepath.Join(parent, "keys"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(abandoned); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder that nobody writes: %v", err)
	}
	for _, path := range append(stays, deep, linked) {
		if _, err := os.Stat(filepath.Join(path, "gw.key")); err != nil {
			t.Errorf("%s is gone: %v", strings.TrimPrefix(path, parent), err)
		}
	}
}

// TestWriteFolderRaces lets many write side by side: none removes another's.
func TestWriteFolderRaces(t *testing.T) {
	parent := t.TempDir()
	done := make(chan error)
	for i := range 16 {
		go func() {
			done <- WriteFolder(filepath.Join(parent, string(rune('a'+i))), []NewFile{{"gw.key", []byte("key"), 0o600}})
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(parent); len(left) != 16 {
		t.Errorf("there are %v", left)
	}
}
