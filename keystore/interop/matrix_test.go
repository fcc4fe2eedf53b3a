package interop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"keyman/internal/testpeer"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt anew")

// A direction is who writes.
type direction string

const (
	toPeer   direction = ">"
	fromPeer direction = "<"
)

// sampleSubject is the subject that is tried where none is possible.
const sampleSubject = "rsa"

// A cell is one question of the matrix.
type cell struct {
	format, subject, peer string
	direction             direction
}

// TestMatrix asks every question, and compares the answers with testdata/matrix.txt.
func TestMatrix(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl", "keytool", "certtool", "pki", "ssh-keygen")
	var (
		all     = subjects(t)
		formats = fileFormats()
		dir     = t.TempDir()
		results = map[cell]string{}
		mu      sync.Mutex
	)
	t.Run("cells", func(t *testing.T) {
		for _, f := range formats {
			for _, s := range all {
				if !f.has(s) {
					continue
				}
				t.Run(f.name+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					path := filepath.Join(dir, f.name+" "+s.name)
					refused := f.write(path, s)
					for _, p := range peers() {
						for way, try := range map[direction]func() error{
							toPeer:   func() error { return forth(p, f, s, path, refused) },
							fromPeer: func() error { return back(p, f, s, path+" by "+p.name) },
						} {
							c := cell{f.name, s.name, p.name, way}
							if way == toPeer && p.look == nil {
								continue
							}
							result := judge(t, c, try)
							mu.Lock()
							results[c] = result
							mu.Unlock()
						}
					}
				})
			}
		}
	})
	got := table(formats, all, results)
	t.Logf("\n%s", got)
	golden := filepath.Join("testdata", "matrix.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(readFile(t, golden)); got != want {
		t.Errorf("that is not %s:\n%s", golden, want)
	}
}

// forth has a peer read what keyman has written or refused to write.
func forth(p peer, f fileFormat, s subject, path string, refused error) error {
	if refused != nil {
		return refused
	}
	found, err := p.look(f, path)
	if err != nil {
		return err
	}
	return found.shows(s, f)
}

// back has a peer write and keyman read.
func back(p peer, f fileFormat, s subject, path string) error {
	made, err := p.make(f, s, path)
	if err != nil {
		return err
	}
	items, err := f.read(path)
	if err != nil {
		return err
	}
	return owns(items, made, f, p.labels(f), p.trust(f))
}

// judge tries a cell and returns what stands in it.
func judge(t *testing.T, c cell, try func() error) string {
	t.Helper()
	why, impossible := reason(c)
	if impossible && len(why.subjects) == 0 && c.subject != sampleSubject {
		return why.letter // it is the same for all, and tried with one
	}
	err := try()
	switch {
	case impossible && err == nil:
		t.Errorf("%s of %s %s %s is possible, although: %s", c.subject, c.format, c.direction, c.peer, why.text)
		return "?"
	case impossible:
		return why.letter
	case err != nil:
		t.Errorf("%s of %s %s %s: %v", c.subject, c.format, c.direction, c.peer, err)
		return "!"
	default:
		return "+"
	}
}

// table prints the matrix.
func table(formats []fileFormat, all []subject, results map[cell]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %-16s", "", "")
	for _, p := range peers() {
		fmt.Fprintf(&b, "  %-10s", p.name)
	}
	fmt.Fprintf(&b, "\n")
	for _, f := range formats {
		for _, s := range all {
			if !f.has(s) {
				continue
			}
			line := fmt.Sprintf("%-20s %-16s", f.name, s.name)
			for _, p := range peers() {
				line += fmt.Sprintf("  %-10s", mark(results, cell{f.name, s.name, p.name, toPeer})+" "+mark(results, cell{f.name, s.name, p.name, fromPeer}))
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(line, " "))
		}
	}
	fmt.Fprintf(&b, "\nIn each column, left: keyman writes, the other reads; right: the other writes, keyman reads.\n"+
		"+ is proved, . is not asked; the others are tried, and are not possible:\n")
	var told []string
	for _, r := range reasons {
		if line := r.letter + " " + r.text; !slices.Contains(told, line) {
			told = append(told, line)
			fmt.Fprintf(&b, "%s\n", line)
		}
	}
	return b.String()
}

func mark(results map[cell]string, c cell) string {
	if m := results[c]; m != "" {
		return m
	}
	return "."
}

// A because is why cells of some kind are not possible; an empty list is all.
type because struct {
	letter, text             string
	formats, subjects, peers []string
	direction                direction // "" is both
}

// reason returns the first reason for which a cell is not possible.
func reason(c cell) (because, bool) {
	among := func(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
	for _, r := range reasons {
		if among(r.formats, c.format) && among(r.subjects, c.subject) && among(r.peers, c.peer) && (r.direction == "" || r.direction == c.direction) {
			return r, true
		}
	}
	return because{}, false
}
