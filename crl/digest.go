package crl

import (
	"crypto"
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
// octets themselves where that has no hash.
func (s *signedPart) sum() []byte {
	if s.hash == 0 {
		return s.tbs
	}
	s.once.Do(func() {
		if s.digest == nil {
			h := s.hash.New()
			h.Write(s.tbs)
			s.digest = h.Sum(nil)
		}
	})
	return s.digest
}
