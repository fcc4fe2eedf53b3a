package keyring

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// keyType is that of keys which programs may read.
	keyType = "user"
	// permissions let every process of the user find and read a key, which
	// otherwise only those may in whose session the user's keyring is: a daemon
	// has it not. All rights for possessors; view, read and search for the user
	// (keyrings(7), keyctl_setperm(3)).
	permissions = 0x3f<<24 | 0x0b<<16
)

func put(description string, secret []byte, seconds int) (err error) {
	// The key is made in a keyring of this thread, which owns it whatever its
	// session is, and goes to the user's when its rights and its time are set.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id, err := unix.AddKey(keyType, description, secret, unix.KEY_SPEC_THREAD_KEYRING)
	if err != nil {
		return kernelError("make", err)
	}
	defer func() { err = errors.Join(err, kernelError("hand over", unlink(id, unix.KEY_SPEC_THREAD_KEYRING))) }()
	if err := unix.KeyctlSetperm(id, permissions); err != nil {
		return kernelError("set the rights of", err)
	}
	if seconds > 0 {
		if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, seconds, 0, 0); err != nil {
			return kernelError("set the time of", err)
		}
	}
	// This takes the place of a key of the same name.
	_, err = unix.KeyctlInt(unix.KEYCTL_LINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	return kernelError("keep", err)
}

func get(description string) ([]byte, error) {
	id, err := find(description)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, MaxSecret)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, secret, 0)
	if err != nil {
		return nil, kernelError("read", err)
	}
	if n > len(secret) {
		return nil, fmt.Errorf("keyring: %w", ErrSecret)
	}
	return secret[:n], nil
}

func remove(description string) error {
	id, err := find(description)
	if err != nil {
		return err
	}
	return kernelError("remove", unlink(id, unix.KEY_SPEC_USER_KEYRING))
}

func find(description string) (int, error) {
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, keyType, description, 0)
	return id, kernelError("find", err)
}

func unlink(id, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, ring, 0, 0)
	return err
}

// kernelError says what the kernel refused.
func kernelError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED):
		return ErrNotThere
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return ErrUnsupported
	default:
		return fmt.Errorf("keyring: the kernel refuses to %s the key: %w", what, err)
	}
}
