package harden

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// NoCore makes the process leave no core file. What cannot be done is told, and
// everything else is done all the same.
func NoCore() error {
	var failed error
	// A core file that a pipe takes is not held by the limit, so both are set.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		failed = fmt.Errorf("make the process one that is not dumped: %w", err)
	}
	return errors.Join(failed, noCoreLimit())
}
