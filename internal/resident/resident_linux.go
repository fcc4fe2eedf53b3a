package resident

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// DropCode gives back the pages of the program's code. Code is never written, so
// that the file has all of it; read-only data may have been relocated, and stays. Only
// a debugger writes there: its breakpoints are lost.
func DropCode() error {
	file, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer file.Close()
	start, end, err := code(bufio.NewScanner(file))
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_DONTNEED); errno != 0 {
		return errno
	}
	return nil
}

// code finds the program's code: the first mapping that can be run, as proc(5) has
// it. That of the vdso, and of libraries, come behind.
func code(maps *bufio.Scanner) (start, end uintptr, err error) {
	for maps.Scan() {
		place, rest, _ := strings.Cut(maps.Text(), " ")
		if !strings.HasPrefix(rest, "r-xp ") {
			continue
		}
		first, last, _ := strings.Cut(place, "-")
		low, lowErr := strconv.ParseUint(first, 16, 64)
		high, highErr := strconv.ParseUint(last, 16, 64)
		if lowErr != nil || highErr != nil || high <= low {
			return 0, 0, fmt.Errorf("a mapping at %q", place)
		}
		return uintptr(low), uintptr(high), nil
	}
	return 0, 0, errors.Join(errors.New("no code among the mappings"), maps.Err())
}
