package suite

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// Hash is a hash algorithm by its number in IKEv1 (RFC 2409, appendix A; IANA
// for SHA-2).
type Hash uint16

// The hash algorithms.
const (
	MD5    Hash = 1
	SHA1   Hash = 2
	SHA256 Hash = 4
	SHA384 Hash = 5
	SHA512 Hash = 6
)

// hashes lists the known hash algorithms in the order of help texts.
var hashes = [...]Hash{MD5, SHA1, SHA256, SHA384, SHA512}

// Known reports whether h is one of the constants. New, Size, Sum and MAC
// panic where it is not.
func (h Hash) Known() bool { return h.constructor() != nil }

// constructor gives what makes the hash, nil where h is not known.
func (h Hash) constructor() func() hash.Hash {
	switch h {
	case MD5:
		return md5.New
	case SHA1:
		return sha1.New
	case SHA256:
		return sha256.New
	case SHA384:
		return sha512.New384
	case SHA512:
		return sha512.New
	}
	return nil
}

func (h Hash) mustConstructor() func() hash.Hash {
	f := h.constructor()
	if f == nil {
		panic("suite: use of " + h.String())
	}
	return f
}

// New makes a running hash.
func (h Hash) New() hash.Hash { return h.mustConstructor()() }

// Size gives the length of the hash in bytes.
func (h Hash) Size() int { return h.New().Size() }

// Sum gives the hash of the parts, one after the other.
func (h Hash) Sum(parts ...[]byte) []byte {
	f := h.New()
	for _, p := range parts {
		f.Write(p)
	}
	return f.Sum(nil)
}

// MAC gives the HMAC of the parts, one after the other. It is IKE's prf, since
// no other has ever been negotiated (RFC 2409, 4).
func (h Hash) MAC(key []byte, parts ...[]byte) []byte {
	f := hmac.New(h.mustConstructor(), key)
	for _, p := range parts {
		f.Write(p)
	}
	return f.Sum(nil)
}

// String gives the word of transforms, such as "sha256".
func (h Hash) String() string {
	switch h {
	case MD5:
		return "md5"
	case SHA1:
		return "sha1"
	case SHA256:
		return "sha256"
	case SHA384:
		return "sha384"
	case SHA512:
		return "sha512"
	}
	return fmt.Sprintf("hash algorithm %d", uint16(h))
}
