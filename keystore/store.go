package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"keyman/internal/atomicfile"
	"keyman/keystore/format"
)

const (
	// maxFile bounds each file of a key database in bytes. A record takes 5,000
	// of a .kdb file, so that this is some 26,000 of them.
	maxFile = 128 << 20
	// maxBeginning is how much of a file tells its format, in bytes. A PEM
	// file may begin with text.
	maxBeginning = 64 << 10
	// usualBeginning is how much of most files does, in bytes.
	usualBeginning = 4 << 10
)

// A Store is a key database in memory, and the file or files that it came from.
type Store struct {
	path     string
	files    []string // those of the format, the main one first
	format   Format
	password hidden[Password]
	content  hidden[*format.Content]
	indexed  *index // of content: see find
	stash    stash
	read     atomicfile.Fingerprint // of what set returns
	forget   bool                   // the next save removes all generations
	system   atomicfile.System      // nil but in tests
}

// Options say what Create makes. The zero value is the default.
type Options struct {
	// Format is the file format; nil is the first of Formats.
	Format Format
}

// Open reads the key database at path. Its errors are ErrPassword,
// ErrPasswordExpired, ErrDamaged, ErrUnprotected, ErrUnsupported, ErrUnknownFormat
// and fs.ErrNotExist, in an Error. The store keeps a copy of the password for Save.
func Open(ctx context.Context, path string, pw Password) (*Store, error) {
	s, err := OpenExpired(ctx, path, pw)
	if err != nil {
		return nil, err
	}
	if err := s.checkExpired(time.Now()); err != nil {
		return nil, fileError("open", path, err)
	}
	return s, nil
}

// OpenExpired does the same for a password that may have expired: for the one who
// changes it, or wants to know.
func OpenExpired(ctx context.Context, path string, pw Password) (*Store, error) {
	s, err := open(ctx, path, pw)
	if err != nil {
		return nil, fileError("open", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, pw Password) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := DetectFile(path)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, ErrUnknownFormat
	}
	s := &Store{path: path, format: f, password: hide(Password(bytes.Clone(pw)))}
	if s.files, s.stash.path, err = filesOf(f, path); err != nil {
		return nil, err
	}
	data, err := s.readFiles()
	if err != nil {
		return nil, err
	}
	content, err := consume(f, data, pw)
	if err != nil {
		return nil, err
	}
	s.content = hide(content)
	return s, nil
}

// readFiles reads the files of the format, and learns of the stash file.
func (s *Store) readFiles() ([][]byte, error) {
	data, read, err := atomicfile.ReadSet(s.set(), maxFile)
	if err == nil {
		s.read = read
		last := len(s.files)
		if s.stash.find(data[last], s.password()); s.stash.foreign != nil {
			s.read = atomicfile.FingerprintOfSet(data[:last])
		}
		return data[:last], nil
	}
	// Many may read a key database, and only one its stash file.
	if data, read, again := atomicfile.ReadSet(s.files, maxFile); again == nil {
		s.read, s.stash.foreign = read, err
		return data, nil
	}
	return nil, err
}

// filesOf returns the paths of all files of a key database, the main one first,
// and that of its stash file.
func filesOf(f Format, path string) (files []string, stash string, err error) {
	// The others lie beside the file that a symbolic link leads to.
	main, err := atomicfile.Resolve(path)
	if err != nil {
		return nil, "", err
	}
	files = []string{path}
	if set, ok := f.(format.Set); ok {
		files = set.Paths(main)
	}
	return files, stashBeside(main), nil
}

// consume does what decode does for data that nobody uses any more.
func consume(f Format, data [][]byte, pw Password) (*format.Content, error) {
	switch consumer := f.(type) {
	case format.SetConsumer:
		return consumer.ConsumeSet(data, pw)
	case format.Consumer:
		return consumer.Consume(data[0], pw)
	default:
		return decode(f, data, pw)
	}
}

// decode reads a key database of one file or several.
func decode(f Format, data [][]byte, pw Password) (*format.Content, error) {
	if set, ok := f.(format.Set); ok {
		return set.DecodeSet(data, pw)
	}
	return f.Decode(data[0], pw)
}

// encode writes a key database of one file or several.
func encode(f Format, c *format.Content, pw Password) ([][]byte, error) {
	if set, ok := f.(format.Set); ok {
		return set.EncodeSet(c, pw)
	}
	data, err := f.Encode(c, pw)
	return [][]byte{data}, err
}

// New makes an empty store for a key database that is not there yet: Save makes
// the file, mode 0600, and returns fs.ErrExist where somebody else was faster. An
// empty password is ErrEmptyPassword.
func New(path string, pw Password, o Options) (*Store, error) {
	if o.Format == nil {
		o.Format = Formats()[0]
	}
	s := &Store{path: path, format: o.Format, content: hide(&format.Content{})}
	var err error
	if s.files, s.stash.path, err = filesOf(o.Format, path); err != nil {
		return nil, fileError("create", path, err)
	}
	s.stash.mayBeNew()
	if err := s.setPassword(pw); err != nil {
		return nil, fileError("create", path, err)
	}
	return s, nil
}

// Create makes a new, empty key database at path, mode 0600, and saves it. It
// returns fs.ErrExist where there is a file, and ErrEmptyPassword.
func Create(ctx context.Context, path string, pw Password, o Options) (*Store, error) {
	s, err := New(path, pw, o)
	if err != nil {
		return nil, err
	}
	if err := s.Save(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// fileError makes an Error, without saying the path twice.
func fileError(op, path string, err error) error {
	if at, ok := err.(*fs.PathError); ok && at.Path == path { //nolint:errorlint // what is around another one is not to be lost
		err = at.Err
	}
	return &Error{Op: op, Path: path, Err: err}
}

// Path returns the file's path, as it was given.
func (s *Store) Path() string { return s.path }

// Format returns the file's format.
func (s *Store) Format() Format { return s.format }

// Entries lists the entries in the file's order: certificates with or without a
// key, then requests, then secret keys.
func (s *Store) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		issuerOf := s.issuers()
		for _, item := range s.content().Items {
			if !yield(newEntry(item, issuerOf)) {
				return
			}
		}
	}
}

// Lookup finds an entry by its label; upper and lower case do not count.
func (s *Store) Lookup(label string) (Entry, bool) {
	if i := s.index(label); i >= 0 {
		return s.entry(s.content().Items[i]), true
	}
	return Entry{}, false
}

// Default returns the entry to use where none is named: the Personal one that
// is marked, or else the only one.
func (s *Store) Default() (Entry, bool) {
	found := -1
	for i, item := range s.content().Items {
		switch {
		case item.Kind != Personal:
		case item.Default:
			return s.entry(item), true
		case found >= 0:
			found = len(s.content().Items) // more than one, and perhaps none is marked
		default:
			found = i
		}
	}
	if found < 0 || found == len(s.content().Items) {
		return Entry{}, false
	}
	return s.entry(s.content().Items[found]), true
}

// SetPassword changes the password with which the next Save encrypts. That Save
// removes all generations too: they would open with the old one. A stash file that
// holds the old one gets the new one. The new password never expires, unless
// SetPasswordExpiry follows. An empty password is ErrEmptyPassword.
func (s *Store) SetPassword(pw Password) error {
	if err := s.setPassword(pw); err != nil {
		return fileError("set the password of", s.path, err)
	}
	s.forget = true
	s.content().PasswordExpires = time.Time{}
	return nil
}

func (s *Store) setPassword(pw Password) error {
	if len(pw) == 0 {
		return ErrEmptyPassword
	}
	if s.password != nil {
		s.password().Wipe()
	}
	s.password = hide(Password(bytes.Clone(pw)))
	return nil
}

// Save writes the store to its file: whole or not at all, under the file's lock.
// Its errors are ErrLocked, and ErrChanged where the file is not the one that
// was read or saved last; for a store of New that is fs.ErrExist. ErrStash and
// ErrForeignStash are a stash file that cannot follow the password; nothing was
// saved then. A store of OpenFiles or OpenFolder is ErrLoose.
func (s *Store) Save(ctx context.Context) error {
	if s.files == nil {
		return fileError("save", s.path, ErrLoose)
	}
	data, err := encode(s.format, s.content(), s.password())
	if err == nil {
		err = s.write(ctx, data, writing{keep: KeptGenerations})
	}
	return s.saveError(err)
}

// saveError makes an Error of one of write.
func (s *Store) saveError(err error) error {
	// The zero fingerprint demands that there is no file yet.
	isNew := s.read == atomicfile.Fingerprint{}
	switch {
	case err == nil:
		return nil
	case isNew && errors.Is(err, ErrChanged) && s.stashAlone():
		return fileError("create", s.path, fmt.Errorf("%w: %s: it was made meanwhile", ErrForeignStash, s.stash.path))
	case isNew && errors.Is(err, ErrChanged):
		return fileError("create", s.path, fs.ErrExist)
	case isNew:
		return fileError("create", s.path, err)
	default:
		return fileError("save", s.path, err)
	}
}

// A writing says what write does beside replacing files.
type writing struct {
	keep   int      // generations of what was there
	remove []string // files of the store, never the main one
}

// write replaces the files; nil leaves one as it is.
func (s *Store) write(ctx context.Context, data [][]byte, w writing) error {
	for _, one := range data {
		if len(one) > maxFile {
			return fmt.Errorf("the key database would be larger than %d bytes", maxFile)
		}
	}
	o := atomicfile.Options{Mode: 0o600, Expect: &s.read, Keep: w.keep, Remove: w.remove, System: s.system, Private: []string{s.stash.path}}
	if s.forget {
		o.Keep = 0
	}
	if s.stash.foreign == nil {
		file, remove, err := s.stashFile(ctx)
		if err != nil {
			return err
		}
		data = append(slices.Clip(data), file)
		if remove {
			o.Remove = append(slices.Clip(o.Remove), s.stash.path)
		}
	}
	read, err := atomicfile.SaveSet(ctx, s.set(), data, o)
	if err != nil {
		return err
	}
	s.read = read
	s.stashSaved()
	if s.forget {
		if err := atomicfile.Forget(ctx, s.set(), o); err != nil {
			return fmt.Errorf("the new password is in force, but an older generation that opens with the old one could not be removed: %w", err)
		}
		s.forget = false
	}
	return nil
}
