package keystore

import (
	"path/filepath"

	"keyman/keystore/format"
	"keyman/keystore/pem"
)

// FolderOptions say what WriteFolder writes. The zero value writes everything,
// but can write no keys.
type FolderOptions struct {
	// Labels are the entries to write; nil is all of them.
	Labels []string
	// Password encrypts the private keys.
	Password Password
	// PlainKeys leaves them without encryption, and demands that there is no
	// Password.
	PlainKeys bool
}

// WriteFolder writes entries to a new folder of PEM files: NAME.key, NAME.crt and
// NAME.csr, where NAME is the label as far as that is safe. With an entry that is
// named come the certificates above it. The folder is there whole or not at all.
//
// It returns the entries, and what the files cannot hold of them: trust, and the
// mark of the default. Its errors are fs.ErrExist where there is something, ErrEmptyPassword where there
// are keys and nothing is said about them, ErrNotFound, ErrNoKey, and ErrKind for
// a secret key.
func (s *Store) WriteFolder(path string, o FolderOptions) (written []Entry, losses []Loss, err error) {
	path = filepath.Clean(path)
	selected, err := s.selectItems(o.Labels)
	if err != nil {
		return nil, nil, err
	}
	if o.Labels != nil {
		selected = s.withChains(selected)
	}
	content := &format.Content{}
	for _, item := range selected {
		if err := s.fits(item, pem.Format{}); err != nil {
			return nil, nil, fileError("create", path, err)
		}
		if item.Key != nil && len(o.Password) == 0 && !o.PlainKeys {
			return nil, nil, fileError("create", path, ErrEmptyPassword)
		}
		if item.Trusted {
			losses = append(losses, Loss{item.Label, "it is not marked as trusted"})
		}
		if item.Default {
			losses = append(losses, Loss{item.Label, "it is not marked as the default"})
		}
		if s.format.Name() != (pem.Format{}).Name() {
			item.Kept = nil
		}
		content.Items = append(content.Items, item)
		written = append(written, s.entry(item))
	}
	if err := pem.WriteDir(path, content, pem.DirOptions{Password: o.Password, PlainKeys: o.PlainKeys}); err != nil {
		return nil, nil, fileError("create", path, err)
	}
	return written, losses, nil
}

// fits tells why a format cannot have an item; nil where it can.
func (s *Store) fits(item format.Item, f Format) error {
	if !f.Holds(item.Kind) {
		return &EntryError{Label: item.Label, Err: ErrKind, Detail: "a file of format " + f.Name() + " holds no " + item.Kind.String()}
	}
	if item.Kind != Signer && item.Key == nil {
		return &EntryError{Label: item.Label, Err: ErrNoKey, Detail: "it has a password of its own"}
	}
	return nil
}

// withChains adds to items the certificates above theirs, each once.
func (s *Store) withChains(items []format.Item) []format.Item {
	have := make(map[string]bool)
	for _, item := range items {
		have[string(item.Certificate)] = true
	}
	for _, item := range items[:len(items):len(items)] {
		if item.Certificate == nil {
			continue
		}
		for _, der := range s.chain(item.Certificate)[1:] {
			if have[string(der)] {
				continue
			}
			have[string(der)] = true
			for _, above := range s.content().Items {
				if above.Kind == Signer && string(above.Certificate) == string(der) {
					items = append(items, above)
				}
			}
		}
	}
	return items
}
