package mapfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/mapfile"
)

// TestOpen: both ways give the content, and refuse the same files.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for name, open := range map[string]func(string, int64) ([]byte, error){"Map": mapfile.Map, "Read": mapfile.Read} {
		for _, content := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("0123456789"), 10_000)} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := open(path, int64(len(content))); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s of %d bytes: %d bytes, %v", name, len(content), len(got), err)
			}
			if _, err := open(path, int64(len(content))-1); err == nil {
				t.Errorf("%s of %d bytes passes a lower limit", name, len(content))
			}
		}
		if _, err := open(dir, 1<<20); err == nil {
			t.Errorf("%s of a folder", name)
		}
		if _, err := open(filepath.Join(dir, "none"), 1<<20); !os.IsNotExist(err) {
			t.Errorf("%s of no file: %v", name, err)
		}
	}
}

// TestReplaced: a mapping keeps the content of a file that another one replaces.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	for name, content := range map[string]string{path: "old", other: "new"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := mapfile.Map(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if string(data) != "old" {
		t.Errorf("the mapping says %q", data)
	}
}
