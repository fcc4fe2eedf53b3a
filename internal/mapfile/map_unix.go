//go:build unix

package mapfile

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapped(file *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}
