// Package mapfile makes a file's content readable as memory without reading it,
// where the system can do that, and reads it otherwise.
//
// A mapping stays until the process ends: slices of it may be kept by anybody,
// and the garbage collector does not know them. Who maps bounds how much.
//
// The file must not be written or cut while it is mapped: a reader would see the
// change, or the process would end by SIGBUS. Files that are replaced by another
// one of their name, as internal/atomicfile does it, are safe to map.
package mapfile
