package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

var errKilled = errors.New("killed")

// A dying layer stops at one step, as a killed process does: that step and all
// after it do nothing. A write that dies leaves half of its bytes.
type dying struct {
	system
	left int // steps that still succeed
	seen int // steps asked for
}

func (d *dying) step() error {
	d.seen++
	if d.left--; d.left < 0 {
		return errKilled
	}
	return nil
}

func (d *dying) create(dir, prefix string, mode fs.FileMode) (file, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, err := d.system.create(dir, prefix, mode)
	return dyingFile{f, d}, err
}

func (d *dying) rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.system.rename(from, to)
}

func (d *dying) remove(path string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.system.remove(path)
}

func (d *dying) flush(dir string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.system.flush(dir)
}

type dyingFile struct {
	file
	d *dying
}

func (f dyingFile) Write(p []byte) (int, error) {
	if err := f.d.step(); err != nil {
		n, _ := f.file.Write(p[:len(p)/2])
		return n, err
	}
	return f.file.Write(p)
}

func (f dyingFile) Chmod(mode fs.FileMode) error {
	if err := f.d.step(); err != nil {
		return err
	}
	return f.file.Chmod(mode)
}

func (f dyingFile) Chown(uid, gid int) error {
	if err := f.d.step(); err != nil {
		return err
	}
	return f.file.Chown(uid, gid)
}

func (f dyingFile) Sync() error {
	if err := f.d.step(); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f dyingFile) Close() error {
	err := f.d.step()
	return errors.Join(err, f.file.Close()) // the test itself must not leak
}

// TestKilledAtEveryStep stops a save at each of its steps: the file is the old
// one or the new one, whole, and the save said so by its error.
func TestKilledAtEveryStep(t *testing.T) {
	const before, after = "the old content", "the new content, which is longer"
	for _, exists := range []bool{true, false} {
		for left := 0; ; left++ {
			path := filepath.Join(t.TempDir(), "f")
			if exists {
				if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d := &dying{left: left}
			err := replace(d, path, []byte(after), 0o600)
			got, readErr := os.ReadFile(path)
			isOld := string(got) == before && exists || errors.Is(readErr, fs.ErrNotExist) && !exists
			isNew := string(got) == after
			if !isOld && !isNew {
				t.Fatalf("existing %v, stopped after %d steps: the file holds %q, %v", exists, left, got, readErr)
			}
			if err == nil {
				if !isNew || left < d.seen {
					t.Fatalf("existing %v, stopped after %d of %d steps: no error, new content %v", exists, left, d.seen, isNew)
				}
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if left > 20 {
				t.Fatal("a save has more steps than it should")
			}
		}
	}
}

// TestFailureLeavesNoRubbish fails at each step, with the process alive: the
// temporary file is removed.
func TestFailureLeavesNoRubbish(t *testing.T) {
	for at := range 6 {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		l := &failing{at: at}
		err := replace(l, path, []byte("content"), 0o600)
		names, readErr := os.ReadDir(dir)
		if readErr != nil {
			t.Fatal(readErr)
		}
		for _, name := range names {
			if name.Name() != "f" {
				t.Errorf("failing at step %d (%v) left %s", at, err, name.Name())
			}
		}
	}
}

// failing fails from one step on, but can still remove files.
type failing struct {
	dying
	at int
}

func (l *failing) create(dir, prefix string, mode fs.FileMode) (file, error) {
	l.left = l.at
	return l.dying.create(dir, prefix, mode)
}

func (l *failing) remove(path string) error { return l.system.remove(path) }
