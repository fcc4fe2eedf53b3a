// Package outfile writes the files that a command was told to make.
package outfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"keyman/internal/atomicfile"
	"keyman/keystore"
)

// Public is the mode of files that are made to be given away.
const Public fs.FileMode = 0o644

// secret is the mode of files that are for their owner alone.
const secret fs.FileMode = 0o600

// keysWithin is how far into a file a private key is looked for, in bytes.
const keysWithin = 1 << 20

// A KeysError is a file that is not overwritten, because it holds keys.
type KeysError struct{ Path string }

func (e *KeysError) Error() string {
	return fmt.Sprintf("%s holds keys: it is not overwritten", e.Path)
}

// Hint says what to do about it.
func (*KeysError) Hint() string { return "name another file" }

// Write writes a file whole or not at all. It never takes the place of a file
// with keys, which is a KeysError: one slip in a command line would cost them all.
func Write(path string, data []byte, mode fs.FileMode) error {
	begin, err := atomicfile.ReadBeginning(path, keysWithin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case holdsKeys(begin):
		return &KeysError{path}
	}
	return atomicfile.Write(path, data, mode)
}

// holdsKeys reports whether the content of a file is a key database, or private
// keys in PEM.
func holdsKeys(data []byte) bool {
	if bytes.Contains(data, []byte("-----BEGIN")) {
		return bytes.Contains(data, []byte("PRIVATE KEY-----"))
	}
	_, ok := keystore.Detect(data)
	return ok
}

// Secret writes a file that is for its owner alone, mode 0600 whatever it had.
func Secret(path string, data []byte) error {
	if err := os.Chmod(path, secret); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Write(path, data, secret)
}
