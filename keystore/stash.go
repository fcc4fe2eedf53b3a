package keystore

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keyman/internal/atomicfile"
	"keyman/keystore/kdb"
)

// stashSuffix is that of the file that holds a password, as IBM's tools call it.
const stashSuffix = ".sth"

// A stash is what a Store knows of the stash file beside it. One that holds the
// store's password is saved with the store, as one. One that does not may be that
// of another key database: it is no part of the store, and is left as it is.
type stash struct {
	path    string
	version kdb.StashVersion
	held    hidden[Password] // what the file holds; nil where it is not the store's, or not there
	foreign error            // why a file that is there is not the store's
	on      bool             // there shall be one after the next Save
}

// stashBeside returns where the stash file of a key database lies, by the path of
// its main file without symbolic links: the suffix of a format is replaced, any
// other name gets one more.
func stashBeside(main string) string {
	ext := filepath.Ext(main)
	for _, k := range knownFormats() {
		if slices.Contains(k.suffixes, strings.ToLower(ext)) {
			return strings.TrimSuffix(main, ext) + stashSuffix
		}
	}
	return main + stashSuffix
}

// StashPath returns where the stash file of a key database lies or would lie:
// keys.sth beside keys.p12, keys.jks or keys.kdb. The key database need not be
// there, but its folder must.
func StashPath(path string) (string, error) {
	main, err := atomicfile.Resolve(path)
	if err != nil {
		return "", fileError("look for the stash file of", path, err)
	}
	return stashBeside(main), nil
}

// StashedPassword returns the password in the stash file of a key database. It
// returns ErrNoStash where there is none, and ErrDamaged. That the password is the
// one of the key database shows when it is opened.
func StashedPassword(path string) (Password, error) {
	pw, err := stashedPassword(path)
	if err != nil {
		return nil, fileError("read the stash file of", path, err)
	}
	return pw, nil
}

func stashedPassword(path string) (Password, error) {
	f, err := DetectFile(path)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, ErrUnknownFormat
	}
	files, beside, err := filesOf(f, path)
	if err != nil {
		return nil, err
	}
	// The whole set is read, for a save that was stopped may have left the new
	// stash file under another name.
	data, _, err := atomicfile.ReadSet(append(files, beside), maxFile)
	if err != nil {
		return nil, err
	}
	file := data[len(data)-1]
	if file == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoStash, beside)
	}
	pw, _, err := kdb.Unstash(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", beside, err)
	}
	return pw, nil
}

// SetStashed says whether the next Save leaves a stash file, which holds the
// password for programs that start unattended: NAME.sth, mode 0600, saved with the
// key database as one. Whoever reads it has the password. A stash file that is
// there follows the password by itself.
//
// It returns ErrStash for a password that a stash file cannot hold, such as one of
// more than 128 bytes, and ErrForeignStash where a file of that name is there that
// does not hold the password of this key database.
func (s *Store) SetStashed(on bool) error {
	if err := s.checkStash(on); err != nil {
		return fileError("stash the password of", s.path, err)
	}
	s.stash.on = on
	return nil
}

func (s *Store) checkStash(on bool) error {
	if s.stash.foreign != nil {
		return fmt.Errorf("%w: %s: %w", ErrForeignStash, s.stash.path, s.stash.foreign)
	}
	if !on {
		return nil
	}
	_, err := kdb.Stash(s.password(), s.stash.version)
	return err
}

// Stashed reports whether there is a stash file that holds the password, or will
// be after the next Save.
func (s *Store) Stashed() bool { return s.stash.on }

// StashPath returns where the stash file of the store lies or would lie.
func (s *Store) StashPath() string { return s.stash.path }

// find learns of a stash file from its content, nil where there is none.
func (t *stash) find(file []byte, pw Password) {
	if file == nil {
		return
	}
	held, v, err := kdb.Unstash(file)
	switch {
	case err != nil:
		t.foreign = err
	case !hmac.Equal(held, pw):
		t.foreign = errors.New("it holds another password")
	default:
		t.version, t.held, t.on = v, hide(Password(held)), true
	}
}

// mayBeNew tells a stash of a key database that is not there yet from a file of
// that name that is there already.
func (t *stash) mayBeNew() {
	if _, err := os.Lstat(t.path); !errors.Is(err, fs.ErrNotExist) {
		t.foreign = errors.New("it was there before the key database")
	}
}

// stashAlone reports whether there is a stash file, and no key database.
func (s *Store) stashAlone() bool {
	for _, path := range s.files {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	_, err := os.Lstat(s.stash.path)
	return err == nil
}

// set returns the paths of all files that are saved as one.
func (s *Store) set() []string {
	if s.stash.foreign != nil {
		return s.files
	}
	return append(slices.Clip(s.files), s.stash.path)
}

// stashFile returns what the next save does with the stash file: its new content,
// nil for none, and whether it is removed.
func (s *Store) stashFile(ctx context.Context) (file []byte, remove bool, err error) {
	held := s.stash.held
	switch {
	case !s.stash.on && held == nil, s.stash.on && held != nil && hmac.Equal(held(), s.password()):
		return nil, false, nil
	case held != nil:
		if err := s.sharedStash(ctx); err != nil {
			return nil, false, err
		}
	}
	if !s.stash.on {
		return nil, true, nil
	}
	file, err = kdb.Stash(s.password(), s.stash.version)
	return file, false, err
}

// sharedStash refuses to change a stash file that opens another key database too,
// as keys.sth may be that of keys.kdb and of keys.p12.
func (s *Store) sharedStash(ctx context.Context) error {
	main, err := atomicfile.Resolve(s.path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(main)
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		other := filepath.Join(dir, name.Name())
		if other == main || stashBeside(other) != s.stash.path || !name.Type().IsRegular() {
			continue
		}
		if _, err := open(ctx, other, s.stash.held()); err != nil {
			continue // not a key database, or one with another password
		}
		if _, err := open(ctx, other, nil); err == nil {
			continue // it needs no password
		}
		return fmt.Errorf("%w: %s is also that of %s", ErrForeignStash, s.stash.path, other)
	}
	return nil
}

// stashSaved notes that the stash file is as it was to be.
func (s *Store) stashSaved() {
	if s.stash.held != nil {
		s.stash.held().Wipe()
		s.stash.held = nil
	}
	if s.stash.on {
		s.stash.held = hide(Password(bytes.Clone(s.password())))
	}
}
