package keyring

import (
	"errors"
	"time"
)

const (
	// MaxSecret is the length of the longest secret in bytes.
	MaxSecret = 4096
	// MaxFor is the longest time for which a secret is kept, unless it is kept
	// without an end.
	MaxFor = 10 * 365 * 24 * time.Hour
	// prefix begins the descriptions of all keys of this program.
	prefix = "keyman:"
)

var (
	// ErrNotThere is a secret that is not in a keyring, or not any more.
	ErrNotThere = errors.New("it is not in the kernel's keyring")
	// ErrUnsupported is a system without keyrings.
	ErrUnsupported = errors.New("this system has no kernel keyrings")
	// ErrSecret is a secret that no keyring takes: empty, or longer than
	// MaxSecret.
	ErrSecret = errors.New("a keyring holds secrets of 1 to 4096 bytes")
	// ErrFor is a time for which no secret is kept: less than a second, or more
	// than MaxFor.
	ErrFor = errors.New("a keyring keeps a secret for 1 second to 10 years")
)

// Put keeps a secret under a name, in place of the one that was there, for as long
// as d says, rounded up to seconds; 0 is without an end. It returns ErrSecret and
// ErrFor, and the kernel's own errors, such as that of a quota.
func Put(name string, secret []byte, d time.Duration) error {
	switch {
	case len(secret) == 0 || len(secret) > MaxSecret:
		return ErrSecret
	case d != 0 && (d < time.Second || d > MaxFor):
		return ErrFor
	}
	return put(prefix+name, secret, int((d+time.Second-1)/time.Second))
}

// Get returns the secret of a name. It returns ErrNotThere.
func Get(name string) ([]byte, error) { return get(prefix + name) }

// Remove removes the secret of a name. It returns ErrNotThere.
func Remove(name string) error { return remove(prefix + name) }
