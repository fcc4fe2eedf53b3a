package keystore

import (
	"io/fs"
	"os"
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
