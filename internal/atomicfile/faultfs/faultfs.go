// Package faultfs is a double of the operating system under package atomicfile
// that fails at one step of a save: a disk that is full, or a process that is
// killed there. Tests count the steps of a save with a [Disk] that never fails,
// and then repeat it with one that stops at each of them.
package faultfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"keyman/internal/atomicfile"
)

// ErrKilled is what every step returns from that on at which the process was
// killed.
var ErrKilled = errors.New("killed")

// A Disk does what the operating system does until a step at which it fails. The
// zero value never fails. It is for one goroutine at a time.
type Disk struct {
	// At is the step that fails, from 1; 0 is none. A write that fails leaves
	// half of its bytes.
	At int
	// Err is what that step alone fails with, and those after it succeed. Nil
	// is a process that is killed: that step and all after it do nothing and
	// return ErrKilled.
	Err error
	// Full makes every write and every new file from that step on fail with
	// ENOSPC, as on a disk that is full and stays so. Files can still be
	// renamed and removed.
	Full bool

	steps []string
}

var _ atomicfile.System = (*Disk)(nil)

// Steps lists the steps that were asked for, such as "write keys.p12.123.tmp".
func (d *Disk) Steps() []string { return d.steps }

// step counts one step. needsRoom is a step that takes room on the disk.
func (d *Disk) step(needsRoom bool, what, path string) error {
	d.steps = append(d.steps, what+" "+filepath.Base(path))
	n := len(d.steps)
	switch {
	case d.At == 0 || n < d.At:
		return nil
	case d.Full && needsRoom:
		return &fs.PathError{Op: what, Path: path, Err: syscall.ENOSPC}
	case d.Full || d.Err != nil && n > d.At:
		return nil
	case d.Err != nil:
		return &fs.PathError{Op: what, Path: path, Err: d.Err}
	default:
		return fmt.Errorf("%w at %s %s", ErrKilled, what, filepath.Base(path))
	}
}

// Create implements atomicfile.System.
func (d *Disk) Create(dir, prefix string, mode fs.FileMode) (atomicfile.File, error) {
	if err := d.step(true, "create", filepath.Join(dir, prefix)); err != nil {
		return nil, err
	}
	f, err := atomicfile.OS().Create(dir, prefix, mode)
	if err != nil {
		return nil, err
	}
	return file{f, d}, nil
}

// Rename implements atomicfile.System.
func (d *Disk) Rename(from, to string) error {
	if err := d.step(false, "rename", to); err != nil {
		return err
	}
	return atomicfile.OS().Rename(from, to)
}

// Remove implements atomicfile.System.
func (d *Disk) Remove(path string) error {
	if err := d.step(false, "remove", path); err != nil {
		return err
	}
	return atomicfile.OS().Remove(path)
}

// Flush implements atomicfile.System. Like Sync it does not wait for the disk: what
// is not there yet is lost when the power fails, and here it does not.
func (d *Disk) Flush(dir string) error { return d.step(false, "flush", dir) }

// A file is an atomicfile.File on a Disk.
type file struct {
	atomicfile.File
	disk *Disk
}

func (f file) Write(p []byte) (int, error) {
	if err := f.disk.step(true, "write", f.Name()); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f file) Chmod(mode fs.FileMode) error {
	if err := f.disk.step(false, "chmod", f.Name()); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f file) Chown(uid, gid int) error {
	if err := f.disk.step(false, "chown", f.Name()); err != nil {
		return err
	}
	return f.File.Chown(uid, gid)
}

func (f file) Sync() error { return f.disk.step(true, "sync", f.Name()) }

// Close closes the file whatever happens: the test itself leaks nothing.
func (f file) Close() error {
	return errors.Join(f.disk.step(false, "close", f.Name()), f.File.Close())
}
