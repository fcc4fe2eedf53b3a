package pbe

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"encoding/asn1"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// pbes1SaltLen is the length of a salt of PBES1 in bytes (RFC 8018, A.3).
	pbes1SaltLen = 8
	// pbes1KeyLen is what PBKDF1 derives for PBES1 in bytes, first the key and
	// then the initialization vector (RFC 8018, 6.1.2, step 3).
	pbes1KeyLen = 16
)

// A pbes1Scheme is one of RFC 8018, A.3. Those with MD2 are not known.
type pbes1Scheme struct {
	id    asn1.ObjectIdentifier
	hash  func() hash.Hash
	block func(key []byte) (cipher.Block, error)
}

var pbes1Schemes = []pbes1Scheme{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 3}, md5.New, des.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 6}, md5.New, func(key []byte) (cipher.Block, error) { return newRC2(key), nil }},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 10}, sha1.New, des.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 11}, sha1.New, func(key []byte) (cipher.Block, error) { return newRC2(key), nil }},
}

// pbes1 decrypts under PBEParameter (RFC 8018, A.3).
func (o *Opener) pbes1(out []byte, s pbes1Scheme, params cryptobyte.String, ciphertext []byte) ([]byte, error) {
	var (
		seq, salt  cryptobyte.String
		iterations int
	)
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) || len(salt) != pbes1SaltLen ||
		!seq.ReadASN1Integer(&iterations) || !seq.Empty() {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, s.id)
	}
	size := s.hash().Size()
	derived, err := o.derive(fmt.Sprintf("pbkdf1 %d", size), salt, iterations, pbes1KeyLen, size, func() ([]byte, error) {
		return pbkdf1(s.hash(), o.password.utf8, salt, iterations, pbes1KeyLen), nil
	})
	if err != nil {
		return nil, err
	}
	block, err := s.block(derived[:8])
	if err != nil {
		return nil, err
	}
	return openCBC(out, block, derived[8:], ciphertext)
}

// pbkdf1 derives n bytes, at most the hash's size, by RFC 8018, 5.1.
func pbkdf1(h hash.Hash, password, salt []byte, iterations, n int) []byte {
	h.Write(password)
	h.Write(salt)
	t := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(t)
		t = h.Sum(t[:0])
	}
	return t[:n]
}
