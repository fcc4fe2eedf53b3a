package atomicfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// MaxSet bounds the files of a set.
	MaxSet = 16
	// journalSuffix makes the name of a set's journal, after a dot.
	journalSuffix = ".journal"
	// maxJournal bounds a journal in bytes.
	maxJournal = 64 << 10
	// readTries bounds how often a set is read until nobody has changed it
	// meanwhile.
	readTries = 5
)

// ReadSet returns the contents of Files in one folder that are saved together,
// the main one first, and the fingerprint of all. A file that is absent is nil,
// but without the main one the error is fs.ErrNotExist. Each has at most limit
// bytes. What a SaveSet that was stopped has committed counts as saved.
func ReadSet(paths []string, limit int64) ([][]byte, Fingerprint, error) {
	set, err := newSet(paths)
	if err != nil {
		return nil, Fingerprint{}, err
	}
	var (
		last Fingerprint
		data [][]byte
	)
	for try := range readTries {
		// A set may be large: it is read again into the same memory.
		again, now, err := set.read(limit, data)
		data = again
		if err != nil {
			return nil, Fingerprint{}, err
		}
		// Two readings that agree have no half of a save in them; of one file
		// there are no halves. A save that has just removed the others is told
		// by the fingerprint.
		if try > 0 && now == last || onlyMain(data) {
			if data[0] == nil {
				return nil, Fingerprint{}, &fs.PathError{Op: "open", Path: paths[0], Err: fs.ErrNotExist}
			}
			return data, now, nil
		}
		last = now
	}
	return nil, Fingerprint{}, fmt.Errorf("%s %w", paths[0], ErrChanged)
}

// SaveSet replaces the contents of several files in one folder, all or none,
// under the lock of the first one. Nil leaves one of the others as it is, unless it
// is among Options.Remove. Options.Expect is the fingerprint of the set.
func SaveSet(ctx context.Context, paths []string, data [][]byte, o Options) (Fingerprint, error) {
	lock, err := Acquire(ctx, paths[0], o.Wait)
	if err != nil {
		return Fingerprint{}, err
	}
	saved, err := lock.SaveSet(ctx, paths, data, o)
	return saved, errors.Join(err, lock.Release())
}

// SaveSet does the same under the lock of the first file.
func (l *Lock) SaveSet(ctx context.Context, paths []string, data [][]byte, o Options) (saved Fingerprint, err error) {
	data = slices.Clone(data)
	set, err := newSet(paths)
	if err != nil {
		return Fingerprint{}, err
	}
	if len(data) != len(paths) || data[0] == nil || set.paths[0] != l.path {
		return Fingerprint{}, fmt.Errorf("save %s: not the set that is locked", paths[0])
	}
	if err := set.choose(paths, data, o); err != nil {
		return Fingerprint{}, err
	}
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	release, err := set.share(ctx, o, func(i int) bool { return data[i] != nil || set.gone[i] })
	if err != nil {
		return Fingerprint{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	system := o.system()
	if err := set.finish(system); err != nil {
		return Fingerprint{}, err
	}
	// What cannot be removed of an earlier save harms nobody.
	_ = set.sweep(system)
	before, now, err := set.read(maxCompared, nil)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("look at %s: %w", l.path, err)
	}
	if o.Expect != nil && now != *o.Expect {
		return Fingerprint{}, fmt.Errorf("%s %w", l.path, ErrChanged)
	}
	if o.Keep > 0 && before[0] != nil {
		if err := set.keep(system, before); err != nil {
			return Fingerprint{}, fmt.Errorf("keep the old %s: %w", l.path, err)
		}
	}
	if err := set.replace(system, data, o.Mode); err != nil {
		return Fingerprint{}, err
	}
	if o.Keep > 0 {
		// One generation too many harms nobody: the next save removes it.
		_ = set.forget(system, o.Keep)
	}
	for i, one := range data {
		if one == nil && !set.gone[i] {
			data[i] = before[i]
		}
	}
	return FingerprintOfSet(data), nil
}

// maxCompared bounds a file that is compared with what was read, in bytes.
const maxCompared = 1 << 30

// A set is some files in one folder, without symbolic links.
type set struct {
	paths   []string
	journal string
	// private and gone say for each path what Options say of it.
	private, gone []bool
	// unswept are those whose new files may be those of another set: see share.
	unswept []bool
}

func newSet(paths []string) (set, error) {
	s := set{paths: make([]string, len(paths)), private: make([]bool, len(paths)), gone: make([]bool, len(paths)), unswept: make([]bool, len(paths))}
	if len(paths) == 0 || len(paths) > MaxSet {
		return s, fmt.Errorf("a set has 1 to %d files, not %d", MaxSet, len(paths))
	}
	for i, path := range paths {
		target, err := resolve(path)
		if err != nil {
			return s, err
		}
		if s.paths[i] = target; filepath.Dir(target) != filepath.Dir(s.paths[0]) {
			return s, fmt.Errorf("%s and %s are saved together, and lie in different folders", s.paths[0], target)
		}
	}
	s.journal = filepath.Join(filepath.Dir(s.paths[0]), "."+filepath.Base(s.paths[0])+journalSuffix)
	return s, nil
}

// choose notes which files Options treat in a way of their own.
func (s set) choose(paths []string, data [][]byte, o Options) error {
	for i, path := range paths {
		s.private[i], s.gone[i] = slices.Contains(o.Private, path), slices.Contains(o.Remove, path)
	}
	if s.gone[0] {
		return fmt.Errorf("save %s: the main file of a set is not removed", paths[0])
	}
	for i, one := range data {
		if s.gone[i] && one != nil {
			return fmt.Errorf("save %s: %s is both written and removed", paths[0], paths[i])
		}
	}
	return nil
}

// A step of a journal: the file From takes the name To, which without a From is
// removed. Both are names in the folder of the journal.
type step struct{ From, To string }

// replace does all steps of a save. When the journal has its name, the save is
// done as far as any reader can tell; whoever locks the set next finishes it.
func (s set) replace(l System, data [][]byte, mode fs.FileMode) (err error) {
	if s.savesOne(data) {
		return replace(l, s.paths[0], data[0], mode)
	}
	var steps []step
	committed := false
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("save %s: %w", s.paths[0], err)
		if committed {
			err = fmt.Errorf("the new content is saved, and the next save puts it in its place: %w", err)
			return
		}
		for _, one := range steps {
			if one.From != "" {
				// A temporary file that cannot be removed harms nobody.
				_ = l.Remove(filepath.Join(filepath.Dir(s.journal), one.From))
			}
		}
	}()
	for i, path := range s.paths {
		if s.gone[i] {
			steps = append(steps, step{To: filepath.Base(path)})
		}
		if data[i] == nil {
			continue
		}
		old, err := stat(path)
		if err != nil {
			return err
		}
		mode := mode
		switch {
		case s.private[i]:
			mode = 0o600
		case old != nil:
			mode = old.Mode().Perm()
		}
		from, err := prepare(l, path, data[i], old, mode)
		if err != nil {
			return err
		}
		steps = append(steps, step{filepath.Base(from), filepath.Base(path)})
	}
	text, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	// The names of the new files must be on disk before those in the journal.
	if err := l.Flush(filepath.Dir(s.journal)); err != nil {
		return err
	}
	journal, err := prepare(l, s.journal, text, nil, 0o600)
	if err != nil {
		return err
	}
	if err := l.Rename(journal, s.journal); err != nil {
		_ = l.Remove(journal)
		return err
	}
	committed = true
	if err := l.Flush(filepath.Dir(s.journal)); err != nil {
		return err
	}
	return s.apply(l, steps)
}

// savesOne reports whether a save changes the main file alone, which needs no
// journal.
func (s set) savesOne(data [][]byte) bool { return !slices.Contains(s.gone, true) && onlyMain(data) }

// onlyMain reports whether there is content for the main file alone.
func onlyMain(data [][]byte) bool {
	return !slices.ContainsFunc(data[1:], func(one []byte) bool { return one != nil })
}

// prepare writes a new file beside path, flushed, and returns its name. Owner and
// group are those of old, if there is one.
func prepare(l System, path string, data []byte, old fs.FileInfo, mode fs.FileMode) (string, error) {
	f, err := l.Create(filepath.Dir(path), tempName(path), mode&0o700)
	if err != nil {
		return "", err
	}
	if err := fill(f, data, old, mode); err != nil {
		return "", errors.Join(err, f.Close(), l.Remove(f.Name()))
	}
	if err := f.Close(); err != nil {
		return "", errors.Join(err, l.Remove(f.Name()))
	}
	return f.Name(), nil
}

// apply gives the new files their names and removes the journal.
func (s set) apply(l System, steps []step) error {
	dir := filepath.Dir(s.journal)
	for _, one := range steps {
		var err error
		if one.From == "" {
			err = l.Remove(filepath.Join(dir, one.To))
		} else {
			err = l.Rename(filepath.Join(dir, one.From), filepath.Join(dir, one.To))
		}
		// Where an earlier try got further, the file has its name, or is gone.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := l.Flush(dir); err != nil {
		return err
	}
	if err := l.Remove(s.journal); err != nil {
		return err
	}
	return l.Flush(dir)
}

// finish does what a save that was stopped after its commit left to do. The set
// must be locked.
func (s set) finish(l System) error {
	steps, err := s.readJournal()
	if err != nil || steps == nil {
		return err
	}
	return s.apply(l, steps)
}

// readJournal returns the steps of a save that was not finished; nil where there
// is none. Only files of the set are named in it.
func (s set) readJournal() ([]step, error) {
	steps, err := readSteps(s.journal)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case len(steps) > len(s.paths):
		return nil, fmt.Errorf("%s is not the journal of a save", s.journal)
	}
	for _, one := range steps {
		if !s.owns(one) {
			return nil, fmt.Errorf("%s names a file that is not of the set", s.journal)
		}
	}
	return steps, nil
}

// readSteps reads a journal, whosever it is.
func readSteps(journal string) ([]step, error) {
	text, _, err := Read(journal, maxJournal)
	if err != nil {
		return nil, err
	}
	var steps []step
	if err := json.Unmarshal(text, &steps); err != nil || len(steps) == 0 {
		return nil, fmt.Errorf("%s is not the journal of a save", journal)
	}
	return steps, nil
}

// owns reports whether a step is about files of the set.
func (s set) owns(one step) bool {
	i := slices.IndexFunc(s.paths, func(path string) bool { return filepath.Base(path) == one.To })
	if one.From == "" {
		return i > 0 // the main file is never removed
	}
	return i >= 0 && strings.HasPrefix(one.From, tempName(one.To)) && filepath.Base(one.From) == one.From
}

// read reads the files once. A file that the journal has a new one for counts
// as replaced, one that it removes as absent.
func (s set) read(limit int64, into [][]byte) ([][]byte, Fingerprint, error) {
	steps, err := s.readJournal()
	if err != nil {
		return nil, Fingerprint{}, err
	}
	data := make([][]byte, len(s.paths))
	for i, path := range s.paths {
		var room []byte
		if into != nil {
			room = into[i]
		}
		removed := false
		for _, one := range steps {
			if one.To != filepath.Base(path) {
				continue
			}
			if removed = one.From == ""; removed {
				break
			}
			data[i], err = read(filepath.Join(filepath.Dir(path), one.From), limit, room)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, Fingerprint{}, err
			}
		}
		if data[i] != nil || removed {
			continue
		}
		data[i], err = read(path, limit, room)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, Fingerprint{}, err
		}
		if err == nil && data[i] == nil {
			data[i] = []byte{} // empty is not absent
		}
	}
	return data, FingerprintOfSet(data), nil
}

// FingerprintOfSet returns the fingerprint of a set with these contents; nil is a
// file that is absent. It is the zero value where all are.
func FingerprintOfSet(data [][]byte) Fingerprint {
	var (
		sum bytes.Buffer
		p   Fingerprint
	)
	for _, one := range data {
		if one == nil {
			sum.WriteByte(0)
			continue
		}
		p.exists = true
		p.size += int64(len(one))
		digest := sha256.Sum256(one)
		sum.WriteByte(1)
		sum.Write(digest[:])
	}
	if p.exists {
		p.sum = sha256.Sum256(sum.Bytes())
	}
	return p
}

// Resolve follows symbolic links to the file that is meant; it need not exist,
// but its folder must.
func Resolve(path string) (string, error) { return resolve(path) }
