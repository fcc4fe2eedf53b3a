package keyfile

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// DER reads one key in DER: PKCS#8, plain or encrypted, or traditional. The
// structures tell themselves apart.
func (r *Reader) DER(data []byte) ([]byte, error) {
	if len(data) > MaxKey {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrUnsupported, MaxKey)
	}
	input, inner := cryptobyte.String(data), cryptobyte.String(nil)
	if !input.ReadASN1(&inner, cbasn1.SEQUENCE) {
		if len(data) > 0 && data[0] == byte(cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("%w: it is cut off", ErrDamaged)
		}
		return nil, ErrNoKey
	}
	if !inner.PeekASN1Tag(cbasn1.SEQUENCE) {
		return fromPlain(data)
	}
	// EncryptedPrivateKeyInfo (RFC 5958, 3). A certificate begins alike and
	// has no OCTET STRING there.
	var alg, ciphertext cryptobyte.String
	if !inner.ReadASN1Element(&alg, cbasn1.SEQUENCE) || !inner.PeekASN1Tag(cbasn1.OCTET_STRING) {
		return nil, ErrNoKey
	}
	if !inner.ReadASN1(&ciphertext, cbasn1.OCTET_STRING) || !inner.Empty() || !input.Empty() {
		return nil, ErrDamaged
	}
	opener, err := r.open("private key (PKCS#8)")
	if err != nil {
		return nil, err
	}
	plain, err := opener.Decrypt(alg, ciphertext)
	if err != nil {
		return nil, passwordError(err)
	}
	if !isSequence(plain) {
		return nil, ErrPassword
	}
	key, err := parsePKCS8(plain)
	if err != nil {
		return nil, err
	}
	return plain, key.check()
}

// isSequence reports whether data is one SEQUENCE by its header: together with
// the padding, more than a wrong password brings about by chance.
func isSequence(data []byte) bool {
	input := cryptobyte.String(data)
	return input.SkipASN1(cbasn1.SEQUENCE) && input.Empty()
}

// fromPlain reads a key that is not encrypted, PKCS#8 or traditional.
func fromPlain(data []byte) ([]byte, error) {
	input, inner := cryptobyte.String(data), cryptobyte.String(nil)
	var version int
	if !input.ReadASN1(&inner, cbasn1.SEQUENCE) || !input.Empty() || !inner.ReadASN1Integer(&version) {
		return nil, ErrDamaged
	}
	var err error
	switch {
	case inner.PeekASN1Tag(cbasn1.SEQUENCE):
	case inner.PeekASN1Tag(cbasn1.OCTET_STRING):
		data, err = fromEC(data)
	case inner.PeekASN1Tag(cbasn1.INTEGER) && integers(inner) == dsaIntegers:
		data, err = fromDSA(inner)
	case inner.PeekASN1Tag(cbasn1.INTEGER):
		data, err = wrapPKCS8(oidRSA, []byte{byte(cbasn1.NULL), 0}, data)
	default:
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	key, err := parsePKCS8(data)
	if err != nil {
		return nil, err
	}
	return data, key.check()
}

// integers counts the INTEGERs at the beginning of s.
func integers(s cryptobyte.String) int {
	n := 0
	for s.SkipASN1(cbasn1.INTEGER) {
		n++
	}
	return n
}

// A pkcs8 is a PrivateKeyInfo or OneAsymmetricKey (RFC 5958, 2), taken apart.
type pkcs8 struct {
	der       []byte // the whole
	algorithm asn1.ObjectIdentifier
	params    cryptobyte.String // of the algorithm: an element, or nothing
	private   cryptobyte.String // what is in the OCTET STRING
	public    []byte            // bits of the public key; nil where absent
}

// Context-specific tags of the structures that are read.
var (
	tag0         = cbasn1.Tag(0).ContextSpecific().Constructed()
	tag1         = cbasn1.Tag(1).ContextSpecific().Constructed()
	tag1Implicit = cbasn1.Tag(1).ContextSpecific()
)

func parsePKCS8(der []byte) (pkcs8, error) {
	key := pkcs8{der: der}
	var (
		input         = cryptobyte.String(der)
		seq, alg, pub cryptobyte.String
		version       int
		hasPublic     bool
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Integer(&version) || version < 0 || version > 1 ||
		!seq.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&key.algorithm) ||
		!seq.ReadASN1(&key.private, cbasn1.OCTET_STRING) ||
		!seq.SkipOptionalASN1(tag0) || // attributes
		!seq.ReadOptionalASN1(&pub, &hasPublic, tag1Implicit) || !seq.Empty() {
		return pkcs8{}, fmt.Errorf("%w: not the structure of PKCS#8", ErrDamaged)
	}
	key.params = alg
	if !alg.Empty() && !oneElement(alg) {
		return pkcs8{}, fmt.Errorf("%w: not the structure of PKCS#8", ErrDamaged)
	}
	if hasPublic {
		// A BIT STRING of whole octets: none of its last bits is unused.
		if len(pub) < 2 || pub[0] != 0 {
			return pkcs8{}, fmt.Errorf("%w: not the structure of PKCS#8", ErrDamaged)
		}
		key.public = pub[1:]
	}
	return key, nil
}

// oneElement reports whether s is one element of any type.
func oneElement(s cryptobyte.String) bool {
	var (
		element cryptobyte.String
		tag     cbasn1.Tag
	)
	return s.ReadAnyASN1Element(&element, &tag) && s.Empty()
}

// wrapPKCS8 writes a PrivateKeyInfo, version 0.
func wrapPKCS8(algorithm asn1.ObjectIdentifier, params, private []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			b.AddBytes(params)
		})
		b.AddASN1OctetString(private)
	})
	return b.Bytes()
}
