package keystore

import (
	"io/fs"
	"os"

	"keyman/internal/atomicfile"
)

// others are the permissions of group and others to read or to write.
const others fs.FileMode = 0o066

// An Exposure is a file with a secret that others than its owner may read or write.
type Exposure struct {
	Path string
	Mode fs.FileMode // its permissions
}

// Exposed lists the files of a store with secrets in them that group or others may
// read or write: those with private keys, and the stash file. The permissions are
// those of now; nothing here changes them.
func (s *Store) Exposed() []Exposure {
	var list []Exposure
	look := func(path string) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&others != 0 {
			list = append(list, Exposure{path, info.Mode().Perm()})
		}
	}
	for _, item := range s.content().Items {
		if item.Kind != Signer {
			for _, path := range s.files {
				look(path)
			}
			break
		}
	}
	if s.stash.held != nil {
		look(s.stash.path)
	}
	return list
}

// Linked lists the files of a store that have more names than one, as by ln: a save
// changes what is under this one, and leaves under the others what was there, with its
// keys and its password.
func (s *Store) Linked() []string {
	var list []string
	for _, path := range s.set() {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && atomicfile.Names(info) > 1 {
			list = append(list, path)
		}
	}
	return list
}
