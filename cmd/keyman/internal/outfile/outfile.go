// Package outfile writes the files that a command was told to make.
package outfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"keyman/internal/atomicfile"
	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/keystore"
	"keyman/keystore/kdb"
	"keyman/keystore/pem"
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
// with keys or with a password, which is a KeysError: one slip in a command line
// would cost them all.
func Write(path string, data []byte, mode fs.FileMode) error {
	if err := check(path); err != nil {
		return err
	}
	return atomicfile.Write(path, data, mode)
}

// check tells why a file is not written over; nil where there is none.
func check(path string) error {
	begin, err := atomicfile.ReadBeginning(path, keysWithin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case holdsKeys(begin):
		return &KeysError{path}
	default:
		return nil
	}
}

// holdsKeys reports whether the content of a file is a key database or a part of
// one, a stash file, or keys in PEM or DER.
func holdsKeys(data []byte) bool {
	if _, ok := keystore.Detect(data); ok && !bytes.Contains(data, []byte("-----BEGIN")) {
		return true
	}
	for _, end := range []string{"PRIVATE KEY-----", "SECRET KEY-----"} {
		if bytes.Contains(data, []byte(end)) {
			return true
		}
	}
	if _, _, err := kdb.Unstash(data); err == nil || kdb.IsPart(data) || pem.HasMAC(data) {
		return true
	}
	_, err := keyfile.NewReader(nil, pbe.Limits{}).DER(data)
	return err == nil || errors.Is(err, keyfile.ErrNoPassword)
}

// Secret writes a file that is for its owner alone, mode 0600 whatever it had.
func Secret(path string, data []byte) error {
	// A folder would be closed by that mode.
	if err := check(path); err != nil {
		return err
	}
	if err := os.Chmod(path, secret); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Write(path, data, secret)
}
