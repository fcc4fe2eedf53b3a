package hugepage

import "golang.org/x/sys/unix"

// advise asks for large pages: madvise(2), MADV_HUGEPAGE. Memory of this size begins
// with a page. Where the call fails there are none, and nothing else changes.
func advise(octets []byte) { _ = unix.Madvise(octets, unix.MADV_HUGEPAGE) }
