package kdb

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A database holds a secret key as bare bytes, a format.Item as PKCS#8 with an
// algorithm. The length has to say which one it was.
var (
	oidAES        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1} // as Java names AES keys
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
)

// secretAlgorithm returns the algorithm of a secret key by its length in bytes:
// AES where AES has such keys, otherwise HMAC-SHA256, which has keys of any length.
func secretAlgorithm(n int) asn1.ObjectIdentifier {
	switch n {
	case 16, 24, 32:
		return oidAES
	default:
		return oidHMACSHA256
	}
}

// wrapSecret makes a PrivateKeyInfo (RFC 5958, 2) of bare bytes.
func wrapSecret(raw []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(secretAlgorithm(len(raw)))
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(raw)
	})
	return b.Bytes()
}

// unwrapSecret returns the bare bytes of a PrivateKeyInfo. It refuses a key that
// would come back with another algorithm.
func unwrapSecret(key []byte) ([]byte, error) {
	var (
		input               = cryptobyte.String(key)
		seq, algorithm, raw cryptobyte.String
		number              int
		id                  asn1.ObjectIdentifier
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Integer(&number) ||
		!seq.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) ||
		!seq.ReadASN1(&raw, cbasn1.OCTET_STRING) {
		return nil, errors.New("not a secret key in PKCS#8")
	}
	if !id.Equal(secretAlgorithm(len(raw))) {
		return nil, fmt.Errorf("a CMS key database does not say for which algorithm a secret key is, and %d bytes would not be taken for %v", len(raw), id)
	}
	return bytes.Clone(raw), nil
}
