// Package harden keeps what a process has in memory out of files. A program that
// handles keys calls [NoCore] first of all.
//
// On Linux the process leaves no core file when it crashes, and other processes of
// the same user can neither trace it nor read its memory (prctl(2),
// PR_SET_DUMPABLE). Memory may still be swapped out: only an encrypted swap helps
// against that. Elsewhere NoCore does the first of these where the system has
// setrlimit(2).
package harden
