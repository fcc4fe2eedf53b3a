package pbe

import (
	"crypto/hmac"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds on the key length of a PBMAC1, in bytes. RFC 9579, 9 wants 20 or more,
// without which few tries find a key; HMAC-SHA512 has 64.
const (
	minMACKey = 20
	maxMACKey = 64
)

// A MAC is the MacData of a PKCS#12 file (RFC 7292, 4).
type MAC struct {
	Algorithm  []byte // AlgorithmIdentifier of the DigestInfo, DER
	Digest     []byte
	Salt       []byte
	Iterations int
}

// Verify checks the MAC of a content in constant time. It returns ErrMAC where
// it does not match: the content or the password is another.
func (o *Opener) Verify(m MAC, content []byte) error {
	input := cryptobyte.String(m.Algorithm)
	id, params, err := algorithm(&input)
	if err != nil || !input.Empty() {
		return fmt.Errorf("%w: MAC", ErrMalformed)
	}
	if id.Equal(oidPBMAC1) {
		return o.verifyPBMAC1(params, m.Digest, content)
	}
	newHash := byDigest(id)
	if newHash == nil {
		return fmt.Errorf("%w: MAC with %v", ErrUnsupported, id)
	}
	key, err := o.pkcs12(newHash, m.Salt, idMAC, m.Iterations, newHash().Size())
	if err != nil {
		return err
	}
	h := hmac.New(newHash, key)
	h.Write(content)
	if !hmac.Equal(h.Sum(nil), m.Digest) {
		return ErrMAC
	}
	return nil
}

// verifyPBMAC1 checks a MAC under PBMAC1-params (RFC 8018, A.5; RFC 9579). The
// salt and the iterations beside it mean nothing then.
func (o *Opener) verifyPBMAC1(params cryptobyte.String, digest, content []byte) error {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return fmt.Errorf("%w: PBMAC1", ErrMalformed)
	}
	kdf, kdfParams, kdfErr := algorithm(&seq)
	scheme, _, schemeErr := algorithm(&seq)
	if kdfErr != nil || schemeErr != nil || !seq.Empty() {
		return fmt.Errorf("%w: PBMAC1", ErrMalformed)
	}
	newHash := byHMAC(scheme)
	if newHash == nil || !kdf.Equal(oidPBKDF2) {
		return fmt.Errorf("%w: PBMAC1 with %v and %v", ErrUnsupported, kdf, scheme)
	}
	key, err := o.pbkdf2(kdfParams, 0)
	if err != nil {
		return err
	}
	h := hmac.New(newHash, key)
	h.Write(content)
	if !hmac.Equal(h.Sum(nil), digest) {
		return ErrMAC
	}
	return nil
}
