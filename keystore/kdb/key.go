package kdb

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pbe"
)

// openKey decrypts an EncryptedPrivateKeyInfo (RFC 5958, 3).
func openKey(encrypted []byte, opener *pbe.Opener) ([]byte, error) {
	var (
		input          = cryptobyte.String(encrypted)
		seq, alg, data cryptobyte.String
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Element(&alg, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&data, cbasn1.OCTET_STRING) || !seq.Empty() {
		return nil, pbe.ErrMalformed
	}
	return opener.Decrypt(alg, data)
}

// sealKey encrypts as an EncryptedPrivateKeyInfo.
func sealKey(plain []byte, sealer *pbe.Sealer) ([]byte, error) {
	alg, data, err := sealer.Seal(plain)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1OctetString(data)
	})
	return b.Bytes()
}

// isSequence reports whether data is one SEQUENCE by its length: a private key
// that was decrypted with the right password.
func isSequence(data []byte) bool {
	input := cryptobyte.String(data)
	return input.SkipASN1(cbasn1.SEQUENCE) && input.Empty()
}
