package suite

import (
	"fmt"
	"strings"
	"time"
)

// Transform is one set of algorithms for phase 1. The zero value is not usable.
type Transform struct {
	Encryption Encryption
	KeyBits    int // of AES: 128, 192 or 256; 0 for 3DES
	Hash       Hash
	Group      Group
	Auth       AuthMethod
	Lifetime   time.Duration // whole seconds; 0 says nothing
	LifeKB     uint32        // kilobytes; 0 says nothing
}

// encryptionWords are the encryption algorithms of transforms, in the order of
// help texts.
var encryptionWords = [...]Transform{
	{Encryption: TripleDES},
	{Encryption: AES, KeyBits: 128},
	{Encryption: AES, KeyBits: 192},
	{Encryption: AES, KeyBits: 256},
}

// ParseTransform reads an encryption algorithm, a hash and a group, such as
// "aes256-sha256-modp2048" or "3des-md5-modp1024". The caller sets Auth and
// Lifetime. An error lists the words that may stand there.
func ParseTransform(s string) (Transform, error) {
	words := strings.Split(s, "-")
	if len(words) != 3 {
		return Transform{}, fmt.Errorf("transform %q: want ENCRYPTION-HASH-GROUP, such as aes256-sha256-modp2048", s)
	}
	var t Transform
	known := make([]string, 0, len(groups))
	for _, e := range encryptionWords {
		known = append(known, e.encryptionWord())
		if e.encryptionWord() == words[0] {
			t.Encryption, t.KeyBits = e.Encryption, e.KeyBits
		}
	}
	if t.Encryption == 0 {
		return Transform{}, unknownWord(s, "encryption algorithm", words[0], known)
	}
	known = known[:0]
	for _, h := range hashes {
		known = append(known, h.String())
		if h.String() == words[1] {
			t.Hash = h
		}
	}
	if t.Hash == 0 {
		return Transform{}, unknownWord(s, "hash", words[1], known)
	}
	known = known[:0]
	for _, g := range groups {
		known = append(known, g.String())
		if g.String() == words[2] {
			t.Group = g
		}
	}
	if t.Group == 0 {
		return Transform{}, unknownWord(s, "group", words[2], known)
	}
	return t, nil
}

func unknownWord(s, what, word string, known []string) error {
	return fmt.Errorf("transform %q: unknown %s %q; known are %s", s, what, word, strings.Join(known, ", "))
}

// String gives the three words that ParseTransform reads.
func (t Transform) String() string {
	return t.encryptionWord() + "-" + t.Hash.String() + "-" + t.Group.String()
}

// encryptionWord gives the encryption algorithm with the length of its key.
func (t Transform) encryptionWord() string {
	if t.KeyBits != 0 {
		return fmt.Sprintf("%s%d", t.Encryption, t.KeyBits)
	}
	return t.Encryption.String()
}

// Equal reports whether both have the same algorithms and authentication.
// Lifetimes may differ: each side keeps to its own (RFC 2407, 4.5.4).
func (t Transform) Equal(o Transform) bool {
	t.Lifetime, t.LifeKB = o.Lifetime, o.LifeKB
	return t == o
}

// Weak gives a word for each algorithm that policy must allow by name; none
// where all are strong. What is not known counts as weak.
func (t Transform) Weak() []string {
	var weak []string
	switch {
	case t.Encryption == TripleDES:
		weak = append(weak, "3DES") // blocks of 64 bits
	case t.checkEncryption() != nil:
		weak = append(weak, t.encryptionWord())
	}
	switch {
	case t.Hash == MD5:
		weak = append(weak, "MD5")
	case t.Hash == SHA1:
		weak = append(weak, "SHA-1")
	case !t.Hash.Known():
		weak = append(weak, t.Hash.String())
	}
	if w := t.Group.Weak(); w != "" {
		weak = append(weak, w)
	}
	return weak
}
