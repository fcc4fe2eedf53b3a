package pem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"keyman/internal/atomicfile"
	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/internal/pemtext"
	"keyman/internal/pkcs7"
	"keyman/keystore/format"
)

// Limits of a folder.
const (
	// maxFiles bounds how many files a folder may have.
	maxFiles = 10_000
	// maxTotal bounds what its files are together, in bytes.
	maxTotal = 64 << 20
)

// ReadDir reads the keys, certificates and requests from the files of a folder,
// not of folders in it: PEM, DER and PKCS#7, whatever the files are called. A
// key and its certificate belong together wherever they lie. What has no label
// gets the file's name. Nothing is trusted.
//
// For each file with an encrypted key it asks for a password, by the file's
// name. Files in which nothing of that is recognized are skipped and listed; a
// PEM file with such a block that cannot be read is an error, a fs.PathError with
// the file.
func ReadDir(path string, ask keyfile.Ask) (content *format.Content, skipped []string, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) > maxFiles {
		return nil, nil, fmt.Errorf("%w: %s has %d files, and %d are allowed", format.ErrUnsupported, path, len(entries), maxFiles)
	}
	var b bundle
	left := int64(maxTotal)
	for _, entry := range entries {
		name := entry.Name()
		data, _, err := atomicfile.Read(filepath.Join(path, name), min(left, keyfile.MaxSize))
		switch {
		case errors.Is(err, atomicfile.ErrTooLarge) && left < keyfile.MaxSize:
			return nil, nil, fmt.Errorf("%w: the files of %s are more than %d bytes", format.ErrUnsupported, path, maxTotal)
		case errors.Is(err, atomicfile.ErrNotRegular), errors.Is(err, atomicfile.ErrTooLarge):
			skipped = append(skipped, name)
			continue
		case err != nil:
			return nil, nil, err
		}
		left -= int64(len(data))
		known, err := b.addFile(name, data, ask)
		if err != nil {
			return nil, nil, fileError(filepath.Join(path, name), err)
		}
		if !known {
			skipped = append(skipped, name)
		}
	}
	return b.content(nil, false), skipped, nil
}

// ErrNothing is a file with neither a key nor a certificate nor a request.
var ErrNothing = errors.New("no key, certificate or request is in it")

// fileError says which file cannot be read.
func fileError(path string, err error) error { return &fs.PathError{Op: "read", Path: path, Err: err} }

// ReadFiles does the same for files that are named. One in which nothing is
// recognized is ErrNothing.
func ReadFiles(paths []string, ask keyfile.Ask) (*format.Content, error) {
	var b bundle
	left := int64(maxTotal)
	for _, path := range paths {
		data, _, err := atomicfile.Read(path, min(left, keyfile.MaxSize))
		if err != nil {
			return nil, err
		}
		left -= int64(len(data))
		known, err := b.addFile(filepath.Base(path), data, ask)
		if err == nil && !known {
			err = ErrNothing
		}
		if err != nil {
			return nil, fileError(path, err)
		}
	}
	return b.content(nil, false), nil
}

// addFile reads one file, and reports whether anything was in it.
func (b *bundle) addFile(name string, data []byte, ask keyfile.Ask) (known bool, err error) {
	reader := keyfile.NewReader(func(string) ([]byte, error) {
		if ask == nil {
			return nil, nil
		}
		return ask(name)
	}, pbe.Limits{})
	defer reader.Wipe()
	blocks, err := fileBlocks(data)
	if err != nil {
		return false, err
	}
	label := strings.TrimSuffix(name, filepath.Ext(name))
	certificates := 0
	for _, block := range blocks {
		if isCertificate(block.Type) {
			certificates++
		}
	}
	for _, block := range blocks {
		if !pkcs7.IsPKCS7(block.Type) {
			fallback := label
			if certificates > 1 && isCertificate(block.Type) {
				fallback = "" // the name speaks of none of them
			}
			if err := b.add(block, reader, fallback); err != nil {
				return false, err
			}
			continue
		}
		found, err := pkcs7.Parse(block.Bytes)
		if err != nil {
			return false, fmt.Errorf("%w: %w", format.ErrDamaged, err)
		}
		for _, der := range found.Certificates {
			if err := b.add(pemtext.Block{Type: typeCertificate, Bytes: der, Line: block.Line}, reader, ""); err != nil {
				return false, err
			}
		}
	}
	return len(blocks) > 0, nil
}

// fileBlocks returns the blocks of a file, PEM or DER; none where nothing in it
// is recognized.
func fileBlocks(data []byte) ([]pemtext.Block, error) {
	if !pemtext.Is(data) {
		if name := typeOfDER(data); name != "" {
			return []pemtext.Block{{Type: name, Bytes: data, Line: 1}}, nil
		}
		return nil, nil
	}
	known := func(name string) bool {
		return keyfile.IsKey(name) || isCertificate(name) || isRequest(name) || pkcs7.IsPKCS7(name)
	}
	found := false
	for name := range pemtext.Types(data) {
		found = found || known(name)
	}
	if !found {
		return nil, nil
	}
	file, err := pemtext.Parse(data, maxBlocks)
	switch {
	case errors.Is(err, pemtext.ErrTooMany):
		return nil, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
	return file.Blocks, nil
}

// typeOfDER returns the type of PEM block that DER would be in; "" where it is
// nothing that is known.
func typeOfDER(data []byte) string {
	if _, ok := certificateSubject(data); ok {
		return typeCertificate
	}
	if _, ok := requestSubject(data); ok {
		return typeRequest
	}
	if _, err := pkcs7.Parse(data); err == nil {
		return pkcs7.TypePKCS7
	}
	if len(data) > keyfile.MaxKey {
		return "" // such as a revocation list
	}
	_, err := keyfile.NewReader(nil, pbe.Limits{}).DER(data)
	if err == nil || errors.Is(err, keyfile.ErrNoPassword) || errors.Is(err, keyfile.ErrUnsupported) {
		return keyfile.TypePKCS8
	}
	return ""
}
