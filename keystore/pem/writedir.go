package pem

import (
	"errors"
	"fmt"
	"strings"

	"keyman/internal/atomicfile"
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
// The folder is there whole or not at all, as [atomicfile.WriteFolder] does it. It
// returns fs.ErrExist where there is something at path already.
func WriteDir(path string, c *format.Content, o DirOptions) error {
	seal, err := o.seal()
	if err != nil {
		return err
	}
	files, err := dirFiles(c, seal)
	if err != nil {
		return err
	}
	return atomicfile.WriteFolder(path, files)
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

// dirFiles makes the files of items.
func dirFiles(c *format.Content, seal sealFunc) ([]atomicfile.NewFile, error) {
	var files []atomicfile.NewFile
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
			f := atomicfile.NewFile{Name: name + ".crt", Mode: 0o644}
			switch {
			case keyfile.IsKey(b.Type):
				f.Name, f.Mode = name+".key", 0o600
			case isRequest(b.Type):
				f.Name = name + ".csr"
			}
			var content strings.Builder
			writeBlocks(&content, []pemtext.Block{b})
			f.Content = []byte(content.String())
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
