package atomicfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrTooLarge is a file that is longer than its reader allows.
var ErrTooLarge = errors.New("file is too large")

// A Fingerprint says what a file's content was when it was read. The zero value
// is that of a file that does not exist.
type Fingerprint struct {
	exists bool
	size   int64
	sum    [sha256.Size]byte
}

// FingerprintOf returns the fingerprint of a file with this content.
func FingerprintOf(data []byte) Fingerprint {
	return Fingerprint{exists: true, size: int64(len(data)), sum: sha256.Sum256(data)}
}

// Read returns the content of a regular file of at most limit bytes, and its
// fingerprint. A file that is absent is fs.ErrNotExist, a longer one ErrTooLarge.
func Read(path string, limit int64) ([]byte, Fingerprint, error) {
	data, err := read(path, limit, nil)
	if err != nil {
		return nil, Fingerprint{}, err
	}
	return data, FingerprintOf(data), nil
}

// read is Read without the fingerprint. It uses the memory of into where the content
// has room there.
func read(path string, limit int64, into []byte) ([]byte, error) {
	// What is too long already is not read.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var data []byte
	if info.Size() <= limit || !info.Mode().IsRegular() {
		if data, err = readBeginning(path, limit+1, into); err != nil {
			return nil, err
		}
	}
	if int64(len(data)) > limit || info.Size() > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", path, ErrTooLarge, limit)
	}
	return data, nil
}

// ReadBeginning returns the first n bytes of a regular file, or all where there
// are fewer.
func ReadBeginning(path string, n int64) ([]byte, error) { return readBeginning(path, n, nil) }

func readBeginning(path string, n int64, into []byte) ([]byte, error) {
	// The kind of file is looked at before it is opened: opening a pipe waits
	// for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The size is a hint: it may have changed, and some file systems have none.
	size := min(info.Size(), n) + bytes.MinRead
	if int64(cap(into)) < size {
		into = make([]byte, 0, size)
	}
	data := bytes.NewBuffer(into[:0])
	if _, err := data.ReadFrom(io.LimitReader(f, n)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data.Bytes(), nil
}

// current computes the fingerprint of the file at path as it is now.
func current(path string) (Fingerprint, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Fingerprint{}, nil
	}
	if err != nil {
		return Fingerprint{}, err
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return Fingerprint{}, err
	}
	p := Fingerprint{exists: true, size: size}
	hash.Sum(p.sum[:0])
	return p, nil
}
