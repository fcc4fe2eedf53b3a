package atomicfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSaveAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.p12")
	absent := Fingerprint{}
	saved, err := Save(t.Context(), path, []byte("one"), Options{Expect: &absent})
	if err != nil {
		t.Fatal(err)
	}
	data, read, err := Read(path, 3)
	if err != nil || string(data) != "one" || read != saved {
		t.Fatalf("Read = %q, %v, %v; want the saved content and %v", data, read, err, saved)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode of a new file = %v, %v; want 0600", info.Mode(), err)
	}
	if _, err := Save(t.Context(), path, []byte("two"), Options{Expect: &read}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(path, 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Read with too small a limit: %v; want ErrTooLarge", err)
	}
}

func TestChangedUnderneath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, seen, err := Read(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func() error{
		"other content, same size": func() error { return os.WriteFile(path, []byte("ours"), 0o600) },
		"longer":                   func() error { return os.WriteFile(path, []byte("mine and more"), 0o600) },
		"gone":                     func() error { return os.Remove(path) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			_, err := Save(t.Context(), path, []byte("new"), Options{Expect: &seen})
			if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
				t.Fatalf("Save = %v; want ErrChanged with the path", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Errorf("the file was touched: %q", after)
			}
		})
	}
	if err := os.WriteFile(path, []byte("now there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), path, []byte("new"), Options{Expect: &Fingerprint{}}); !errors.Is(err, ErrChanged) {
		t.Errorf("Save as a new file over an existing one = %v; want ErrChanged", err)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	lock, err := Acquire(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Save(t.Context(), path, []byte("x"), Options{Wait: time.Millisecond})
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Path != path {
		t.Fatalf("Save of a locked file = %v; want a LockedError with path and process", err)
	}
	if !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) || locked.Hint() == "" {
		t.Errorf("error %q names no process", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file came to be while it was locked: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, path, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire with an ended context = %v; want context.Canceled", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), path, []byte("x"), Options{}); err != nil {
		t.Errorf("Save after release: %v", err)
	}
}

// TestLockOfAnother leaves a file alone that has the name of the lock and is none.
// A free lock is had however short the wait is: on a busy machine it has passed
// before the first try.
func TestFreeLockWithoutWaiting(t *testing.T) {
	for range 100 {
		lock, err := Acquire(t.Context(), filepath.Join(t.TempDir(), "f"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, filepath.Join(t.TempDir(), "f"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestLockOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	other := []byte("the keys of somebody who calls them keys.lock")
	if err := os.WriteFile(path+".lock", other, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), path, []byte("x"), Options{}); err == nil || !strings.Contains(err.Error(), "is no lock file") {
		t.Errorf("saved beside it: %v", err)
	}
	if got, err := os.ReadFile(path + ".lock"); err != nil || !bytes.Equal(got, other) {
		t.Errorf("the file became %q, %v", got, err)
	}
}

func TestSaveWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	lock, err := Acquire(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := Save(t.Context(), path, []byte("x"), Options{Wait: time.Minute})
		done <- err
	}()
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSymlink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), link, []byte("new"), Options{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(link); err != nil || got != "target" {
		t.Errorf("the link is now %q, %v", got, err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("target = %q; want new", got)
	}
	if info, _ := os.Stat(target); info.Mode().Perm() != 0o640 {
		t.Errorf("mode = %v; want that of the old file", info.Mode())
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), link, []byte("new"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Save through a link to nothing = %v; want fs.ErrNotExist", err)
	}
}

func TestOwnerIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give files away")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12, 34); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid, ok := owner(info); !ok || uid != 12 || gid != 34 || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %d:%d mode %v; want 12:34 0640", uid, gid, info.Mode())
	}
}

func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	for _, path := range []string{dir, pipe} {
		if _, _, err := Read(path, 10); !errors.Is(err, ErrNotRegular) {
			t.Errorf("Read(%s) = %v; want ErrNotRegular", path, err)
		}
		if err := Write(path, nil, 0o600); !errors.Is(err, ErrNotRegular) {
			t.Errorf("Write(%s) = %v; want ErrNotRegular", path, err)
		}
	}
}
