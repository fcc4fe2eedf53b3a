package keystore

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExposed(t *testing.T) {
	s := newStashed(t, cms{}, "keys.kdb")
	chmod := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(s.Path(), 0o644)
	if list := s.Exposed(); len(list) != 0 {
		t.Errorf("without a key in it: %v", list)
	}
	chmod(s.StashPath(), 0o604)
	if list := s.Exposed(); len(list) != 1 || list[0] != (Exposure{s.StashPath(), 0o604}) {
		t.Errorf("the stash file: %v", list)
	}
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	if list := s.Exposed(); len(list) != 2 || list[0] != (Exposure{s.Path(), 0o644}) {
		t.Errorf("with a key in it: %v", list)
	}
	// A save keeps the mode of what is there, but for the stash file.
	if err := s.SetPassword(Password("second")); err != nil {
		t.Fatal(err)
	}
	s = reopenWith(t, s, "second")
	if list := s.Exposed(); len(list) != 1 || list[0].Path != s.Path() {
		t.Errorf("after a save: %v", list)
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o711} {
		if chmod(s.Path(), mode); len(s.Exposed()) != 0 {
			t.Errorf("mode %v is exposed", mode)
		}
	}
}

// TestLinked tells of a key database that has a second name, which a save does not
// reach.
func TestLinked(t *testing.T) {
	s := newStashed(t, cms{}, "keys.kdb")
	if list := s.Linked(); len(list) != 0 {
		t.Fatalf("without a link: %v", list)
	}
	for _, path := range []string{s.Path(), s.StashPath()} {
		second := path + ".second"
		if err := os.Link(path, second); err != nil {
			t.Skip(err)
		}
		if list := s.Linked(); len(list) != 1 || list[0] != path {
			t.Errorf("linked are %v; want %s", list, path)
		}
		if err := os.Remove(second); err != nil {
			t.Fatal(err)
		}
	}
	// A symbolic link is another matter: the save follows it.
	linked := filepath.Join(t.TempDir(), "linked.kdb")
	if err := os.Symlink(s.Path(), linked); err != nil {
		t.Fatal(err)
	}
	if again := opensByStash(t, linked); len(again.Linked()) != 0 {
		t.Errorf("linked are %v", again.Linked())
	}
}
