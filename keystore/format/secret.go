package format

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithms of secret keys that nobody has named, by their length.
var (
	oidAES        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1} // as Java names AES keys
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
)

// SecretAlgorithm returns the algorithm of a secret key for which none is named,
// by its length in bytes: AES where AES has such keys, otherwise HMAC-SHA256,
// which has keys of any length.
func SecretAlgorithm(n int) asn1.ObjectIdentifier {
	switch n {
	case 16, 24, 32:
		return oidAES
	default:
		return oidHMACSHA256
	}
}

// WrapSecret makes a PrivateKeyInfo (RFC 5958, 2) of the bare bytes of a secret
// key, with the algorithm of SecretAlgorithm.
func WrapSecret(raw []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(SecretAlgorithm(len(raw)))
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(raw)
	})
	return b.Bytes()
}

// UnwrapSecret returns the bare bytes of a secret key in a PrivateKeyInfo, and
// its algorithm.
func UnwrapSecret(key []byte) (raw []byte, algorithm asn1.ObjectIdentifier, err error) {
	var (
		input                = cryptobyte.String(key)
		seq, identifier, oct cryptobyte.String
		number               int
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Integer(&number) ||
		!seq.ReadASN1(&identifier, cbasn1.SEQUENCE) || !identifier.ReadASN1ObjectIdentifier(&algorithm) ||
		!seq.ReadASN1(&oct, cbasn1.OCTET_STRING) {
		return nil, nil, errors.New("not a secret key in PKCS#8")
	}
	return bytes.Clone(oct), algorithm, nil
}
