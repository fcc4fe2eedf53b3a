// Package keyring keeps secrets in the user's keyring of the Linux kernel: in its
// memory, never on disk, until they are removed, their time is over, or the
// machine restarts.
//
// [Put] puts a secret there under a name, [Get] returns it, [Remove] removes it.
// The key is of type "user" and called "keyman:NAME", as keyctl and /proc/keys
// show it. Every process of the same user can read it, as it could a file of mode
// 0600, whatever session it belongs to: so a daemon finds what its administrator
// put there.
//
// Elsewhere than on Linux, and where the kernel has no keyrings, every function
// returns [ErrUnsupported].
package keyring
