package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyman/internal/atomicfile"
	"keyman/internal/atomicfile/faultfs"
	"keyman/keystore/format"
)

const (
	killPassword    = "the old password"
	killNewPassword = "the new password"
	// maxKillSteps bounds the steps of one save.
	maxKillSteps = 120
)

// TestKilledAtEveryStep stops the making, changing, converting and undoing of a key
// database at every step, in all formats: what can be opened then is the old
// database or the new one, with its keys; what was kept can be read; and the next
// save leaves nothing behind.
func TestKilledAtEveryStep(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			t.Parallel()
			newKillTest(t, f, t.TempDir()).run(t)
		})
	}
}

// A killTest stops the operations on one key database. All of them begin with the
// same files in the same folder.
type killTest struct {
	dir, path, other string
	format           Format
	spare            Format // the format, which does no work twice
	before           map[string][]byte
}

func newKillTest(t *testing.T, f Format, dir string) *killTest {
	t.Helper()
	k := &killTest{dir: dir, format: f, spare: frugal(f)}
	k.path, k.other = filepath.Join(k.dir, "keys."+f.Name()), filepath.Join(k.dir, "other."+f.Name())
	s, err := New(k.path, Password(killPassword), Options{Format: k.spare})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetStashed(true); err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t, "CA", nil)
	for i, step := range []func() error{
		func() error { _, err := s.AddSigner("ca", ca.der, true); return err },
		func() error { return k.addKey(t, s, "one", ca) },
		func() error { return k.addKey(t, s, "two", ca) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context()); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	k.before = k.files(t)
	return k
}

func (k *killTest) addKey(t *testing.T, s *Store, label string, ca *authority) error {
	key := newKey(t)
	return s.AddKey(label, key, [][]byte{ca.leaf(t, label, key.Public())})
}

// files reads the folder, without the lock.
func (k *killTest) files(t *testing.T) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".lock") {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(filepath.Join(k.dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// restore makes the folder what it was.
func (k *killTest) restore(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name := range k.files(t) {
		if err := os.Remove(filepath.Join(k.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(k.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// open does what Open does, with one of the passwords and the frugal format.
func (k *killTest) open(path string) (*Store, error) {
	if f, err := DetectFile(path); err != nil || f == nil || f.Name() != k.format.Name() {
		return nil, errors.Join(err, fmt.Errorf("the format of %s is %v", path, f))
	}
	for _, pw := range []string{killPassword, killNewPassword} {
		s := &Store{path: path, format: k.spare, password: hide(Password(pw))}
		var err error
		if s.files, s.stash.path, err = filesOf(k.format, path); err != nil {
			return nil, err
		}
		data, err := s.readFiles()
		if err != nil {
			return nil, err
		}
		content, err := decode(k.spare, data, s.password())
		if errors.Is(err, ErrPassword) {
			continue
		}
		s.content = hide(content)
		return s, err
	}
	return nil, ErrPassword
}

// inventory writes what a store holds, with digests of keys and certificates, its
// password, and whether that is in the stash file.
func inventory(s *Store) string {
	var b strings.Builder
	for _, item := range s.content().Items {
		fmt.Fprintf(&b, "%v %s %v %x %x\n", item.Kind, item.Label, item.Trusted, sha256.Sum256(item.Certificate), sha256.Sum256(item.Key))
	}
	fmt.Fprintf(&b, "under %q, stashed %v", string(s.password()), s.Stashed())
	return b.String()
}

// An operation is something that ends in a save.
type operation struct {
	path   string // of the key database that it saves
	absent bool   // which was not there before
	do     func(ctx context.Context, k *killTest, s *Store) error
}

var operations = map[string]func(k *killTest) operation{
	"create": func(k *killTest) operation {
		return operation{k.other, true, func(ctx context.Context, k *killTest, s *Store) error {
			made, err := New(k.other, Password(killPassword), Options{Format: k.spare})
			if err != nil {
				return err
			}
			if err := made.SetStashed(true); err != nil {
				return err
			}
			if _, err := made.Import(s, ImportOptions{Trust: true}); err != nil {
				return err
			}
			made.system = s.system
			return made.Save(ctx)
		}}
	},
	"change": func(k *killTest) operation {
		return operation{k.path, false, func(ctx context.Context, _ *killTest, s *Store) error {
			if err := s.Delete("one", false); err != nil {
				return err
			}
			if err := s.Rename("two", "second"); err != nil {
				return err
			}
			return s.Save(ctx)
		}}
	},
	"password": func(k *killTest) operation {
		return operation{k.path, false, func(ctx context.Context, _ *killTest, s *Store) error {
			if err := s.SetPassword(Password(killNewPassword)); err != nil {
				return err
			}
			return s.Save(ctx)
		}}
	},
	"unstash": func(k *killTest) operation {
		return operation{k.path, false, func(ctx context.Context, _ *killTest, s *Store) error {
			if err := s.SetStashed(false); err != nil {
				return err
			}
			return s.Save(ctx)
		}}
	},
	"convert": func(k *killTest) operation {
		return operation{k.other, true, func(ctx context.Context, k *killTest, s *Store) error {
			_, _, err := s.Convert(ctx, k.other, Password(killNewPassword), Options{Format: k.spare})
			return err
		}}
	},
	"undo": func(k *killTest) operation {
		return operation{k.path, false, func(ctx context.Context, _ *killTest, s *Store) error {
			_, err := s.Undo(ctx, 0)
			return err
		}}
	},
}

func (k *killTest) run(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		t.Run(name, func(t *testing.T) {
			op := operations[name](k)
			// What it was, and by a run to the end what it becomes.
			k.restore(t, k.before)
			s, err := k.open(k.path)
			if err != nil {
				t.Fatal(err)
			}
			was := inventory(s)
			disk := &faultfs.Disk{}
			s.system = disk
			if err := op.do(t.Context(), k, s); err != nil {
				t.Fatal(err)
			}
			if s, err = k.open(op.path); err != nil {
				t.Fatal(err)
			}
			becomes, steps := inventory(s), len(disk.Steps())
			if was == becomes && op.path == k.path || steps == 0 || steps > maxKillSteps {
				t.Fatalf("the run to the end: %d steps; before:\n%s\nafter:\n%s", steps, was, becomes)
			}
			old, done := 0, 0
			for at := 1; at <= steps; at++ {
				switch k.stop(t, op, at, was, becomes) {
				case becomes:
					done++
				default:
					old++
				}
			}
			if old == 0 || done == 0 {
				t.Errorf("of %d steps, %d left the old state and %d the new one", steps, old, done)
			}
		})
	}
}

// stop does an operation until a step, and returns what is there then.
func (k *killTest) stop(t *testing.T, op operation, at int, was, becomes string) string {
	t.Helper()
	k.restore(t, k.before)
	s, err := k.open(k.path)
	if err != nil {
		t.Fatal(err)
	}
	disk := &faultfs.Disk{At: at}
	s.system = disk
	err = op.do(t.Context(), k, s)
	// What is only tidied up afterwards may fail without an error.
	if err != nil && !errors.Is(err, faultfs.ErrKilled) {
		t.Fatalf("stopped at step %d (%s): %v", at, disk.Steps()[at-1], err)
	}
	fail := func(what string, args ...any) {
		t.Helper()
		t.Fatalf("stopped at step %d (%s; %v): %s", at, disk.Steps()[at-1], err, fmt.Sprintf(what, args...))
	}
	found, openErr := k.open(op.path)
	if op.absent && errors.Is(openErr, fs.ErrNotExist) {
		return "absent"
	}
	if openErr != nil {
		fail("%v", openErr)
	}
	state := inventory(found)
	if state != becomes && (op.absent || state != was) || err == nil && state != becomes {
		fail("it holds\n%s\nbefore:\n%s\nafter:\n%s", state, was, becomes)
	}
	k.generationsWhole(t, op.path, fail)

	// The next save, by somebody who opened what is there.
	if err := found.Rename("ca", "the ca"); err != nil {
		fail("%v", err)
	}
	want := inventory(found)
	found.system = &faultfs.Disk{}
	if err := found.Save(t.Context()); err != nil {
		fail("the next save: %v", err)
	}
	again, openErr := k.open(op.path)
	if openErr != nil || inventory(again) != want {
		fail("after the next save: %v", openErr)
	}
	for name := range k.files(t) {
		if strings.HasPrefix(name, ".") {
			fail("after the next save %s is left", name)
		}
	}
	if list, err := Generations(op.path); err != nil || len(list) > KeptGenerations {
		fail("after the next save: generations %v, %v", list, err)
	}
	return state
}

// generationsWhole opens every generation with one of the passwords.
func (k *killTest) generationsWhole(t *testing.T, path string, fail func(string, ...any)) {
	t.Helper()
	list, err := Generations(path)
	if err != nil {
		fail("%v", err)
	}
	files, _, err := filesOf(k.format, path)
	if err != nil {
		fail("%v", err)
	}
	for _, g := range list {
		data, err := atomicfile.ReadGeneration(files, g.Number, maxFile)
		if err != nil {
			fail("generation %d: %v", g.Number, err)
		}
		content, err := decode(k.spare, data, Password(killPassword))
		if errors.Is(err, ErrPassword) {
			content, err = decode(k.spare, data, Password(killNewPassword))
		}
		if err != nil || len(content.Items) == 0 {
			fail("generation %d: %v", g.Number, err)
		}
	}
}

// frugal makes a Format that does no work twice: the derivations of a hundred saves
// of the same content would take minutes.
func frugal(f Format) Format {
	one := thrifty{f, map[string][][]byte{}, map[string]decoding{}}
	if set, ok := f.(format.Set); ok {
		return thriftySet{one, set}
	}
	return one
}

type thrifty struct {
	Format
	encoded map[string][][]byte
	decoded map[string]decoding
}

// A decoding is what Decode returned.
type decoding struct {
	content *format.Content
	err     error
}

func (f thrifty) Encode(c *format.Content, pw []byte) ([]byte, error) {
	data, err := f.encode(c, pw, func() ([][]byte, error) {
		data, err := f.Format.Encode(c, pw)
		return [][]byte{data}, err
	})
	if err != nil {
		return nil, err
	}
	return data[0], nil
}

func (f thrifty) Decode(data, pw []byte) (*format.Content, error) {
	return f.decode([][]byte{data}, pw, func() (*format.Content, error) { return f.Format.Decode(data, pw) })
}

func (f thrifty) encode(c *format.Content, pw []byte, do func() ([][]byte, error)) ([][]byte, error) {
	var name bytes.Buffer
	fmt.Fprintf(&name, "%q\n", pw)
	for _, item := range c.Items {
		fmt.Fprintf(&name, "%v %q %v %v %x %x\n", item.Kind, item.Label, item.Trusted, item.Default, item.Certificate, item.Key)
	}
	if data, ok := f.encoded[name.String()]; ok {
		return data, nil
	}
	data, err := do()
	if err == nil {
		f.encoded[name.String()] = data
	}
	return data, err
}

func (f thrifty) decode(data [][]byte, pw []byte, do func() (*format.Content, error)) (*format.Content, error) {
	name := fmt.Sprint(atomicfile.FingerprintOfSet(data), string(pw))
	d, ok := f.decoded[name]
	if !ok {
		d.content, d.err = do()
		f.decoded[name] = d
	}
	if d.err != nil {
		return nil, d.err
	}
	again := *d.content
	again.Items = slices.Clone(again.Items)
	for i := range again.Items {
		again.Items[i].Key = bytes.Clone(again.Items[i].Key)
	}
	return &again, nil
}

type thriftySet struct {
	thrifty
	set format.Set
}

func (f thriftySet) Paths(main string) []string { return f.set.Paths(main) }

func (f thriftySet) DecodeSet(files [][]byte, pw []byte) (*format.Content, error) {
	return f.decode(files, pw, func() (*format.Content, error) { return f.set.DecodeSet(files, pw) })
}

func (f thriftySet) EncodeSet(c *format.Content, pw []byte) ([][]byte, error) {
	return f.encode(c, pw, func() ([][]byte, error) { return f.set.EncodeSet(c, pw) })
}
