package kdb

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"keyman/keystore/format"
)

const (
	// MaxStash is the length of the longest password that a stash file holds,
	// in bytes.
	MaxStash = 128

	stashMask  = 0xF5
	plainLen   = MaxStash + 1 // the password, a NUL, and padding
	randomLen  = 32           // of the version 2 file's first part
	stash2Len  = randomLen + sha256.Size + plainLen
	stashLoops = 64
	// maxStashSearch bounds a search that ends after 256 steps on average, and
	// after so many with a probability of less than 2^-369.
	maxStashSearch = 1 << 16
)

// stashText and stashSeed are constants of the format.
const (
	stashText = "13EC6D5C885056915AB35FAD2BDDF39F40D7C57B8B4D28F66B61B75F391446FD" +
		"A96751174DBD9713D02E0B38732E763501DBBB85EC60E437929ED2AA8981B36B"
	stashSeed = "\x01\x01\x02\x03\x05\x08"
)

// A StashVersion is a version of the stash file. The zero value is the current one.
type StashVersion int

// The versions of the stash file.
const (
	Stash2 StashVersion = iota // 193 bytes: the current one
	Stash1                     // 129 bytes: what old tools write and read
)

// ErrStash is a password that a stash file cannot hold: longer than MaxStash
// bytes, empty, or with a NUL in it.
var ErrStash = errors.New("a stash file cannot hold this password")

// Stash returns a stash file: the password, readable by everybody who has the
// file. It is to be written with mode 0600. It returns ErrStash.
func Stash(password []byte, v StashVersion) ([]byte, error) {
	switch {
	case len(password) > MaxStash:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrStash, MaxStash)
	case len(password) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrStash)
	case hasNUL(password):
		return nil, fmt.Errorf("%w: it has a NUL in it", ErrStash)
	}
	plain := append(bytes.Clone(password), 0)
	plain = append(plain, nonZero(plainLen-len(plain))...)
	for i := range plain {
		plain[i] ^= stashMask
	}
	if v == Stash1 {
		return plain, nil
	}
	file := make([]byte, randomLen, stash2Len)
	rand.Read(file) // never fails: it ends the process instead
	check := stashCheck(file)
	file = append(file, check[:]...)
	stream, err := stashStream(file)
	if err != nil {
		return nil, err
	}
	for i := range plain {
		plain[i] ^= stream[i]
	}
	return append(file, plain...), nil
}

// Unstash returns the password of a stash file, and the file's version. It
// returns ErrDamaged. A version 1 file has nothing by which a change could be
// noticed, a version 2 file little: only the key database tells whether the
// password is right.
func Unstash(data []byte) (password []byte, v StashVersion, err error) {
	plain := bytes.Clone(data)
	switch len(data) {
	case plainLen:
		v = Stash1
	case stash2Len:
		v = Stash2
		prefix := data[:stash2Len-plainLen]
		if check := stashCheck(data[:randomLen]); !hmac.Equal(check[:], prefix[randomLen:]) {
			return nil, 0, fmt.Errorf("stash file: %w", format.ErrDamaged)
		}
		stream, err := stashStream(prefix)
		if err != nil {
			return nil, 0, err
		}
		plain = plain[len(prefix):]
		for i := range plain {
			plain[i] ^= stream[i]
		}
	default:
		return nil, 0, fmt.Errorf("stash file: %w: %d bytes, and it has %d or %d", format.ErrDamaged, len(data), plainLen, stash2Len)
	}
	for i := range plain {
		plain[i] ^= stashMask
	}
	password, padding, found := bytes.Cut(plain, []byte{0})
	if !found || len(password) == 0 || hasNUL(padding) {
		return nil, 0, fmt.Errorf("stash file: %w", format.ErrDamaged)
	}
	return password, v, nil
}

// stashCheck returns the second part of a version 2 file.
func stashCheck(random []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte{1}, random...))
}

// stashStream derives what the password is hidden with from the two parts
// before it.
func stashStream(prefix []byte) ([]byte, error) {
	key := sha256.Sum256(prefix)
	for steps := 0; key[8] != 3; steps++ {
		if steps == maxStashSearch {
			return nil, fmt.Errorf("stash file: %w: its key cannot be derived", format.ErrUnsupported)
		}
		key = sha256.Sum256(key[:])
	}
	for range stashLoops {
		key = sha256.Sum256(key[:])
	}
	seed := keyed(key[:], []byte(stashText))
	state := keyed(seed, []byte(stashSeed))
	var stream []byte
	for len(stream) < plainLen {
		stream = append(stream, keyed(seed, state)...)
		state = append(bytes.Clone(stream), state...)
	}
	return stream[:plainLen], nil
}

// keyed is HMAC-SHA-256.
func keyed(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
