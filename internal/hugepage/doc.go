// Package hugepage allocates large memory in pages that are large, too, where the
// system has them: a page that is touched for the first time costs the kernel some
// half a microsecond, and 4 kB ones are thousands of a list of revoked certificates.
// It is a hint: the memory is the garbage collector's like any other.
package hugepage
