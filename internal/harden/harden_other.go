//go:build unix && !linux

package harden

// NoCore makes the process leave no core file.
func NoCore() error { return noCoreLimit() }
