package jks

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"keyman/keystore/format"
)

// A keptSeal is a protected key as it stood in the file, and what shows later that it
// still is what would be written: it takes a derivation from the password to make
// another one, which in JCEKS costs more than all else together.
type keptSeal struct {
	protected []byte
	p         protection
	salt      [16]byte
	sum       [sha256.Size]byte // of salt, password and what was protected
}

// newKeptSeal notes a protected key that a password has opened.
func newKeptSeal(protected []byte, p protection, pw password, plain []byte) *keptSeal {
	s := &keptSeal{protected: bytes.Clone(protected), p: p}
	_, _ = rand.Read(s.salt[:]) // it does not fail
	s.sum = s.sumOf(pw, plain)
	return s
}

func (s *keptSeal) sumOf(pw password, plain []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(s.salt[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(pw.utf16))))
	h.Write(pw.utf16)
	h.Write(plain)
	h.Sum(sum[:0])
	return sum
}

// stillGood reports whether the protected key is that of the same content under the
// same password, and cost no less than one that is written now.
func (s *keptSeal) stillGood(pw password, plain []byte, l limits) bool {
	if s == nil || s.p.jce != nil && s.p.jce.iterations < l.written {
		return false
	}
	sum := s.sumOf(pw, plain)
	return subtle.ConstantTimeCompare(sum[:], s.sum[:]) == 1
}

// contentOf returns what of an item is protected, as the item has it.
func contentOf(item format.Item, own kept) []byte {
	if item.Key != nil {
		return item.Key
	}
	return own.object
}
