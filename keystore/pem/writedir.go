package pem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/internal/pemtext"
	"keyman/keystore/format"
)

// maxName bounds the name of a file that is written, in bytes without its ending.
const maxName = 64

// DirOptions say how WriteDir writes keys. The zero value can write none.
type DirOptions struct {
	// Password encrypts the keys.
	Password []byte
	// PlainKeys leaves them without encryption, for programs that ask for no
	// password. Then there must be no Password.
	PlainKeys bool
}

// WriteDir writes the items of a content to a new folder: NAME.key (mode 0600),
// NAME.crt and NAME.csr, where NAME is the label as far as it is safe in a file
// name. The whole label stands in each file, where ReadDir finds it. Trust, the
// default entry and what is beside items are not written.
//
// The folder is there whole or not at all. It returns fs.ErrExist where there is
// something at path already.
func WriteDir(path string, c *format.Content, o DirOptions) (err error) {
	seal, err := o.seal()
	if err != nil {
		return err
	}
	files, err := dirFiles(c, seal)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	parent := filepath.Dir(path)
	temporary, err := os.MkdirTemp(parent, ".keyman-*.tmp") // mode 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	for _, f := range files {
		if err := f.write(temporary); err != nil {
			return err
		}
	}
	if err := syncDir(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(parent)
}

// seal returns how keys are written.
func (o DirOptions) seal() (sealFunc, error) {
	switch {
	case o.PlainKeys && len(o.Password) > 0:
		return nil, errors.New("keys that are left plain have no password")
	case o.PlainKeys:
		return func(key []byte) (string, []byte, error) { return keyfile.TypePKCS8, key, nil }, nil
	case len(o.Password) == 0:
		return func([]byte) (string, []byte, error) { return "", nil, keyfile.ErrEmptyPassword }, nil
	}
	p, err := pbe.NewPassword(o.Password)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	sealer, err := pbe.NewSealer(p)
	if err != nil {
		return nil, err
	}
	return sealKey(sealer), nil
}

// A dirFile is a file of the folder.
type dirFile struct {
	name    string
	content string
	mode    fs.FileMode
}

func (f dirFile) write(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, f.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(f.content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDir makes the names in a folder durable, where the file system can.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = d.Sync() // some file systems cannot flush a folder
	return d.Close()
}

// dirFiles makes the files of items.
func dirFiles(c *format.Content, seal sealFunc) ([]dirFile, error) {
	var files []dirFile
	used := map[string]int{}
	for _, item := range c.Items {
		if !(Format{}).Holds(item.Kind) {
			return nil, fmt.Errorf("entry %q is of a kind that PEM files do not hold: %v", item.Label, item.Kind)
		}
		item.Trusted, item.Default = false, false
		if k, ok := item.Kept.(kept); ok {
			k.settings = nil // they are for OpenSSL alone
			item.Kept = k
		}
		blocks, err := itemBlocks(item, seal)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", item.Label, err)
		}
		name := fileName(item.Label, used)
		for _, b := range blocks {
			f := dirFile{name: name + ".crt", mode: 0o644}
			switch {
			case keyfile.IsKey(b.Type):
				f.name, f.mode = name+".key", 0o600
			case isRequest(b.Type):
				f.name = name + ".csr"
			}
			var content strings.Builder
			writeBlocks(&content, []pemtext.Block{b})
			f.content = content.String()
			files = append(files, f)
		}
	}
	return files, nil
}

// fileName makes a name of a label: letters and digits of ASCII, points, dashes
// and underscores, no point and no dash at the beginning, and no other file's
// name, whatever its case.
func fileName(label string, used map[string]int) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, label)
	name = strings.TrimLeft(name, ".-")
	name = name[:min(len(name), maxName)]
	if name == "" {
		name = "entry"
	}
	unique, folded := name, strings.ToLower(name)
	for used[strings.ToLower(unique)] > 0 {
		used[folded]++
		unique = fmt.Sprintf("%s-%d", name, used[folded])
	}
	used[strings.ToLower(unique)] = 1
	return unique
}
