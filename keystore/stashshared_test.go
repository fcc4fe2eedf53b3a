package keystore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"keyman/internal/atomicfile"
	"keyman/internal/atomicfile/faultfs"
)

// twins makes two key databases of one name and two formats in memory, each with a
// stash file and a password of its own.
func twins(t *testing.T) (one, other *Store) {
	t.Helper()
	jks, _ := FormatNamed("jks")
	dir := t.TempDir()
	var list []*Store
	for _, k := range []struct {
		name string
		f    Format
	}{{"x.jks", jks}, {"x.kdb", cms{}}} {
		s, err := New(filepath.Join(dir, k.name), Password("of "+k.name), Options{Format: k.f})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetStashed(true); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list[0], list[1]
}

// A meddler is a disk on which something happens before each step.
type meddler struct {
	faultfs.Disk
	before func()
}

func (m *meddler) Rename(from, to string) error {
	m.before()
	return m.Disk.Rename(from, to)
}

func (m *meddler) Create(dir, prefix string, mode fs.FileMode) (atomicfile.File, error) {
	m.before()
	return m.Disk.Create(dir, prefix, mode)
}

// TestStashOfTwins saves two new key databases that have one stash file while the other
// one is being saved: one of them is told, and the stash is that of the other.
func TestStashOfTwins(t *testing.T) {
	first, second := twins(t)
	var told []error
	meddling := false
	first.system = &meddler{before: func() {
		if meddling {
			return
		}
		meddling = true
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		told = append(told, second.Save(ctx))
		meddling = false
	}}
	if err := first.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(told) < 4 || slices.Contains(told, nil) {
		t.Errorf("the second was told %v", told)
	}
	if err := second.Save(t.Context()); !errors.Is(err, ErrForeignStash) {
		t.Errorf("the second afterwards: %v; want %v", err, ErrForeignStash)
	}
	opensByStash(t, first.Path())
	if _, err := Open(t.Context(), second.Path(), second.password()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second is there: %v", err)
	}
}

// TestStashOfStoppedTwin saves the one after the save of the other was stopped at any
// step: no stash file that was committed to is lost, not even a half of one.
func TestStashOfStoppedTwin(t *testing.T) {
	for at := 1; ; at++ {
		first, second := twins(t)
		// One of another name.
		bystander := besideOf(t, first, "y")
		first.system = &faultfs.Disk{At: at}
		saved := first.Save(t.Context())
		if saved != nil && !errors.Is(saved, faultfs.ErrKilled) {
			t.Fatal(saved)
		}
		if err := bystander.Save(t.Context()); err != nil {
			t.Fatalf("step %d: a save beside it: %v", at, err)
		}
		err := second.Save(t.Context())
		switch pw, unread := StashedPassword(first.Path()); {
		case errors.Is(err, ErrPending) || unread == nil && string(pw) == string(first.password()):
			// The first had committed, and keeps its stash file.
			if err == nil {
				t.Fatalf("step %d: the second has taken the stash file", at)
			}
			finishSave(t, first.Path(), first.Format())
			opensByStash(t, first.Path())
		case err != nil:
			t.Fatalf("step %d: nothing was there, and the second was told %v", at, err)
		default:
			opensByStash(t, second.Path())
		}
		if saved == nil {
			return
		}
	}
}

// besideOf makes a key database without a stash file in the folder of another one.
func besideOf(t *testing.T, beside *Store, name string) *Store {
	t.Helper()
	s, err := New(filepath.Join(filepath.Dir(beside.Path()), name), Password("y"), Options{Format: cms{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// finishSave changes a key database whose save was stopped after it had committed, or
// makes it again where it has not yet got its name.
func finishSave(t *testing.T, path string, f Format) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		if err := opensByStash(t, path).Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	s, err := New(path, Password("third"), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("made again: %v; want %v", err, fs.ErrExist)
	}
}
