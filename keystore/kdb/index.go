package kdb

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	// noIndex is the end of a slot without a certificate: four bytes of flags,
	// in which nothing but zero was ever seen.
	noIndex = []byte{0, 0, 0, 0}
	// indexLength stands before each SHA-1 value.
	indexLength = []byte{0, 0, 0, sha1.Size}
)

// errCertificate is a certificate that has not the structure of one.
var errCertificate = errors.New("not an X.509 certificate")

// certificateTail returns the end of a slot with a certificate: the flags, and
// five SHA-1 values by which IBM's tools find it. They are an index, not a
// protection: of the signature, of what is signed, of the subject, of the public
// key, and of an IssuerAndSerialNumber (RFC 5652, 10.2.4). Nothing is decoded
// beyond that, so that a certificate of any algorithm has them.
func certificateTail(certificate []byte) ([]byte, error) {
	var (
		input                                  = cryptobyte.String(certificate)
		outer, signed, signature, inner        cryptobyte.String
		serial, issuer, subject, publicKeyInfo cryptobyte.String
		tagVersion                             = cbasn1.Tag(0).ContextSpecific().Constructed()
	)
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1Element(&signed, cbasn1.SEQUENCE) ||
		!outer.SkipASN1(cbasn1.SEQUENCE) || // signatureAlgorithm
		!outer.ReadASN1Element(&signature, cbasn1.BIT_STRING) || !outer.Empty() {
		return nil, errCertificate
	}
	tbs := signed
	if !tbs.ReadASN1(&inner, cbasn1.SEQUENCE) ||
		!inner.SkipOptionalASN1(tagVersion) ||
		!inner.ReadASN1Element(&serial, cbasn1.INTEGER) ||
		!inner.SkipASN1(cbasn1.SEQUENCE) || // signature
		!inner.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!inner.SkipASN1(cbasn1.SEQUENCE) || // validity
		!inner.ReadASN1Element(&subject, cbasn1.SEQUENCE) ||
		!inner.ReadASN1Element(&publicKeyInfo, cbasn1.SEQUENCE) {
		return nil, errCertificate
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(issuer, serial)) })
	issuerAndSerial, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	tail := bytes.Clone(noIndex)
	for _, part := range [][]byte{signature, signed, subject, publicKeyInfo, issuerAndSerial} {
		sum := sha1.Sum(part)
		tail = slices.Concat(tail, indexLength, sum[:])
	}
	return tail, nil
}
