package mapfile

import (
	"fmt"
	"io"
	"os"
)

// Map returns the content of a regular file of at most limit bytes. It must not
// be changed.
func Map(path string, limit int64) ([]byte, error) { return open(path, limit, mapped) }

// Read returns the content in memory of the process's own.
func Read(path string, limit int64) ([]byte, error) { return open(path, limit, read) }

func open(path string, limit int64, content func(file *os.File, size int) ([]byte, error)) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), limit)
	case info.Size() == 0:
		return nil, nil // which cannot be mapped
	}
	data, err := content(file, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

func read(file *os.File, size int) ([]byte, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(file, data)
	return data, err
}
