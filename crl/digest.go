package crl

import (
	"bytes"
	"cmp"
	"crypto"
	_ "crypto/sha256" // registered for crypto.SHA256
	"fmt"
	"sync"

	"keyman/internal/cert"
)

// A signedPart is what the issuer signed, and its digest: that was made while the
// list came in, or is made when it is first asked for.
type signedPart struct {
	tbs  []byte
	hash crypto.Hash // of the signature algorithm; 0 where that signs the whole, or is not known

	once   sync.Once
	digest []byte
	// expected is what check said when the list was stored, where it comes from
	// the cache on disk.
	expected []byte
	err      error
}

// signatureHash returns the hash of a signature AlgorithmIdentifier, 0 where it
// has none or is not known.
func signatureHash(element []byte) crypto.Hash {
	algorithm, err := cert.ParseAlgorithm(element)
	if err != nil {
		return 0
	}
	scheme, err := algorithm.Scheme()
	if err != nil || !scheme.Hash.Available() {
		return 0
	}
	return scheme.Hash
}

// sum returns the digest of what is signed by the hash of the signature, or the
// octets themselves where that has no hash. It fails where they are not those that
// were stored.
func (s *signedPart) sum() ([]byte, error) {
	s.once.Do(func() {
		if s.digest == nil && s.hash != 0 {
			s.digest = sumBy(s.hash, s.tbs)
		}
		if s.expected != nil && !bytes.Equal(s.check(), s.expected) {
			s.err = fmt.Errorf("the list in the cache is %w: it is not the one that was stored", ErrDamaged)
		}
	})
	switch {
	case s.err != nil:
		return nil, s.err
	case s.hash == 0:
		return s.tbs, nil
	}
	return s.digest, nil
}

// check returns a digest by which the list is known again: that of the signature
// where there is one.
func (s *signedPart) check() []byte {
	if s.digest != nil {
		return s.digest
	}
	return sumBy(cmp.Or(s.hash, crypto.SHA256), s.tbs)
}

func sumBy(hash crypto.Hash, octets []byte) []byte {
	h := hash.New()
	h.Write(octets)
	return h.Sum(nil)
}
