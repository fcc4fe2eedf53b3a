package jks

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"keyman/internal/pbe"
)

// digestLen is the length of a SHA-1 digest in bytes.
const digestLen = sha1.Size

// whitener is what Java puts between the password and the content.
const whitener = "Mighty Aphrodite"

// A password is a password in the two forms that are hashed.
type password struct {
	utf16 []byte // for the digest of a file, and for keys in JKS
	ascii []byte // for keys in JCEKS
	// printable tells that ascii is the whole password: Java takes no other
	// characters for the keys in JCEKS than those from the space to the tilde.
	printable bool
}

// newPassword prepares a password. It returns pbe.ErrEncoding for text that is
// not UTF-8.
func newPassword(text []byte) (password, error) {
	if !utf8.Valid(text) {
		return password{}, pbe.ErrEncoding
	}
	pw := password{utf16: utf16Bytes(text)}
	pw.printable = !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c > '~' })
	if pw.printable {
		pw.ascii = bytes.Clone(text)
	}
	return pw, nil
}

// Format implements fmt.Formatter: no verb prints the password.
func (password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[password]") }

// wipe overwrites the password in memory.
func (p password) wipe() {
	clear(p.utf16)
	clear(p.ascii)
}

// digest computes what stands at the end of a file.
func (p password) digest(body []byte) []byte {
	h := sha1.New()
	h.Write(p.utf16)
	h.Write([]byte(whitener))
	h.Write(body)
	return h.Sum(nil)
}

// matches checks the digest of a file in constant time.
func (p password) matches(digest, body []byte) bool {
	return subtle.ConstantTimeCompare(p.digest(body), digest) == 1
}
