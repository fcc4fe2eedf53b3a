package keystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"keyman/internal/atomicfile"
	"keyman/internal/keyfile"
	"keyman/keystore/format"
	"keyman/keystore/pem"
)

// An Ask gets the password of an encrypted private key, by the name of its file.
// Nil without an error is no password.
type Ask func(file string) (Password, error)

// IsLoose reports whether a file is no key database, but may hold keys,
// certificates or requests as they are handed about: in PEM, DER or PKCS#7. PEM is
// a key database where keyman wrote it, with a MAC.
func IsLoose(path string) (bool, error) {
	beginning, err := atomicfile.ReadBeginning(path, maxBeginning)
	if err != nil {
		return false, err
	}
	f, known := Detect(beginning)
	return !known || f.Name() == (pem.Format{}).Name() && !pem.HasMAC(beginning), nil
}

// OpenFiles reads keys, certificates and requests that lie in files of their own:
// private keys in PKCS#8, traditional and OpenSSH form, plain or encrypted, and
// certificates in PEM, DER and PKCS#7. A key and its certificate belong together
// in whichever files they are. What has no label is called like its file. Nothing
// is trusted.
//
// What comes back is there for Import, Convert and WriteFolder; Save is ErrLoose.
// The errors are those of Open; ErrUnknownFormat is a file in which nothing of that
// is.
func OpenFiles(ctx context.Context, paths []string, ask Ask) (*Store, error) {
	name := strings.Join(paths, ", ")
	if err := ctx.Err(); err != nil {
		return nil, fileError("open", name, err)
	}
	content, err := pem.ReadFiles(paths, ask.keyfile())
	if err != nil {
		return nil, looseError(name, err)
	}
	return loose(name, content), nil
}

// OpenFolder does the same for all files of a folder. Those in which nothing is
// recognized are skipped, and listed; a folder with no other is ErrUnknownFormat.
func OpenFolder(ctx context.Context, path string, ask Ask) (s *Store, skipped []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, fileError("open", path, err)
	}
	content, skipped, err := pem.ReadDir(path, ask.keyfile())
	if err != nil {
		return nil, nil, looseError(path, err)
	}
	if len(content.Items) == 0 {
		return nil, nil, &Error{Op: "open", Path: path, Err: fmt.Errorf("%w: %w", ErrUnknownFormat, pem.ErrNothing)}
	}
	return loose(path, content), skipped, nil
}

func loose(path string, content *format.Content) *Store {
	return &Store{path: path, format: pem.Format{}, content: hide(content), password: hide(Password(nil))}
}

// keyfile makes the question one of package keyfile.
func (a Ask) keyfile() keyfile.Ask {
	if a == nil {
		return nil
	}
	return func(file string) ([]byte, error) { return a(file) }
}

// looseError makes an Error of the one file that cannot be read.
func looseError(path string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		if errors.Is(err, pem.ErrNothing) {
			at.Err = fmt.Errorf("%w: %w", ErrUnknownFormat, pem.ErrNothing)
		}
		return &Error{Op: "open", Path: at.Path, Err: at.Err}
	}
	return fileError("open", path, err)
}
