// Package resident gives back pages of the program's own file that a process has in
// memory and no longer uses.
//
// A program in Go runs the initialisers of everything that is linked into it before
// its first line, and each brings 64 kB of the file with it: for keyman that is three
// quarters of its code, of which a command runs a part. What is given back is not
// lost: it stays in the system's cache of files, which all processes share, and
// comes again when it is run. So this lessens what a process holds, not what the
// system does.
package resident
