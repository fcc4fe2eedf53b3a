package crl

import (
	"fmt"
	"io"
	"os"

	"keyman/internal/hugepage"
)

// readRegular reads a regular file of at most limit bytes. It is read and not
// mapped: what was verified stays as it is, whoever writes into the file or cuts it
// short meanwhile, and the memory is the garbage collector's.
func readRegular(path string, limit int64) ([]byte, error) {
	// The kind of file is looked at before it is opened: opening a pipe waits for a
	// writer.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, damaged(path, fmt.Sprintf("it has %d bytes, more than %d", info.Size(), limit))
	}
	data := hugepage.Make(int(info.Size()))
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, damaged(path, err.Error())
	}
	return data, nil
}
