//go:build unix

package harden

import (
	"fmt"
	"syscall"
)

// noCoreLimit sets the size of a core file to 0, also for the programs that this
// one starts.
func noCoreLimit() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("limit core files to 0 bytes: %w", err)
	}
	return nil
}
