package hugepage

// least is the size from which on it pays, in octets: a large page has 2 MB on most
// processors, and the memory need not begin with one.
const least = 4 << 20

// Make returns size zero octets.
func Make(size int) []byte {
	octets := make([]byte, size)
	if size >= least {
		advise(octets)
	}
	return octets
}
