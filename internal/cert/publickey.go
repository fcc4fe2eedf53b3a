package cert

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // old certificates, and NIST's suite, have such keys
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// MaxKeyBits is the longest RSA or DSA modulus that is read.
const MaxKeyBits = 16384

// A PublicKey is a key read from a subjectPublicKeyInfo. The zero value is none.
type PublicKey struct {
	Kind KeyKind
	// Key is a *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or
	// *dsa.PublicKey. A DSA key may lack its parameters: see Inherit.
	Key crypto.PublicKey

	id string
	// limit is what signatures of an RSASSA-PSS key must be, nil where the
	// key does not say.
	limit *Scheme
}

// The algorithms of public keys.
const (
	oidRSA     OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" // RFC 3279, 2.3.1
	oidDSA     OID = "\x2a\x86\x48\xce\x38\x04\x01"         // RFC 3279, 2.3.2
	oidEC      OID = "\x2a\x86\x48\xce\x3d\x02\x01"         // RFC 5480, 2.1.1
	oidEd25519 OID = "\x2b\x65\x70"                         // RFC 8410, 3
)

// curve returns a named curve (RFC 5480, 2.1.1.1), nil for one not known here.
func curve(oid OID) elliptic.Curve {
	switch oid {
	case "\x2b\x81\x04\x00\x21":
		return elliptic.P224()
	case "\x2a\x86\x48\xce\x3d\x03\x01\x07":
		return elliptic.P256()
	case "\x2b\x81\x04\x00\x22":
		return elliptic.P384()
	case "\x2b\x81\x04\x00\x23":
		return elliptic.P521()
	default:
		return nil
	}
}

// PublicKey reads the certificate's key.
func (c *Certificate) PublicKey() (PublicKey, error) { return ParsePublicKey(c.RawSPKI) }

// ParsePublicKey reads a subjectPublicKeyInfo. The error says that it is
// malformed or of a kind not known here.
func ParsePublicKey(spki []byte) (PublicKey, error) {
	content, err := readSequence(spki, "public key")
	if err != nil {
		return PublicKey{}, err
	}
	algorithm, ok := readAlgorithm(&content)
	var bits cryptobyte.String
	if !ok || !content.ReadASN1(&bits, cbasn1.BIT_STRING) || !content.Empty() || len(bits) < 2 || bits[0] != 0 {
		return PublicKey{}, errMalformed("public key")
	}
	bits = bits[1:]
	k := PublicKey{id: string(spki)}
	switch algorithm.OID {
	case oidRSA:
		// RFC 3279, 2.3.1: NULL, and some leave it out.
		if algorithm.Parameters != nil && !algorithm.null() {
			return PublicKey{}, errMalformed("RSA key: parameters")
		}
		k.Kind = RSA
		k.Key, err = parseRSA(bits)
	case oidPSS:
		k.Kind = RSAPSS
		if algorithm.Parameters != nil {
			limit, err := parsePSS(algorithm.Parameters)
			if err != nil {
				return PublicKey{}, err
			}
			k.limit = &limit
		}
		k.Key, err = parseRSA(bits)
	case oidEC:
		k.Kind = ECDSA
		k.Key, err = parseEC(algorithm.Parameters, bits)
	case oidEd25519:
		if algorithm.Parameters != nil || len(bits) != ed25519.PublicKeySize {
			return PublicKey{}, errMalformed("Ed25519 key")
		}
		k.Kind, k.Key = Ed25519, ed25519.PublicKey(bits)
	case oidDSA:
		k.Kind = DSA
		k.Key, err = parseDSA(algorithm.Parameters, bits)
	default:
		return PublicKey{}, fmt.Errorf("public key algorithm %s is not known", algorithm.OID)
	}
	if err != nil {
		return PublicKey{}, err
	}
	return k, nil
}

// readModulus reads a positive INTEGER of at most MaxKeyBits.
func readModulus(s *cryptobyte.String, what string) (*big.Int, error) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, cbasn1.INTEGER) || !der.Minimal(content) || content[0]&0x80 != 0 {
		return nil, errMalformed(what)
	}
	if len(content) > MaxKeyBits/8+1 {
		return nil, fmt.Errorf("%s has more than %d bits", what, MaxKeyBits)
	}
	n := new(big.Int).SetBytes(content)
	if n.Sign() == 0 {
		return nil, errMalformed(what)
	}
	return n, nil
}

func parseRSA(bits []byte) (*rsa.PublicKey, error) {
	content, err := readSequence(bits, "RSA key")
	if err != nil {
		return nil, err
	}
	n, err := readModulus(&content, "RSA modulus")
	if err != nil {
		return nil, err
	}
	e, err := readModulus(&content, "RSA exponent")
	if err != nil || !content.Empty() {
		return nil, errMalformed("RSA key")
	}
	// crypto/rsa holds exponents of up to 31 bits.
	if e.BitLen() > 31 || e.Bit(0) == 0 || e.BitLen() < 2 || n.Bit(0) == 0 {
		return nil, errors.New("the RSA key has an even or too large number where it may not")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func parseEC(parameters, point []byte) (*ecdsa.PublicKey, error) {
	input := cryptobyte.String(parameters)
	oid, ok := der.ReadOID(&input)
	if !ok || !input.Empty() {
		// RFC 5480, 2.1.1: named curves only.
		return nil, errors.New("the elliptic curve of the key has no name")
	}
	c := curve(oid)
	if c == nil {
		return nil, fmt.Errorf("elliptic curve %s is not known", oid)
	}
	if size := (c.Params().BitSize + 7) / 8; len(point) == 1+size && (point[0] == 2 || point[0] == 3) {
		// RFC 5480, 2.2: the compressed form may be used.
		x, y := elliptic.UnmarshalCompressed(c, point)
		if x == nil {
			return nil, errMalformed("elliptic curve point")
		}
		point = make([]byte, 1+2*size)
		point[0] = 4
		x.FillBytes(point[1 : 1+size])
		y.FillBytes(point[1+size:])
	}
	key, err := ecdsa.ParseUncompressedPublicKey(c, point)
	if err != nil {
		return nil, fmt.Errorf("elliptic curve point: %w", err)
	}
	return key, nil
}

// parseDSA reads a DSA key. Its parameters may be left to the issuer's (RFC
// 3279, 2.3.2).
func parseDSA(parameters, bits []byte) (*dsa.PublicKey, error) {
	input := cryptobyte.String(bits)
	y, err := readModulus(&input, "DSA key")
	if err != nil || !input.Empty() {
		return nil, errMalformed("DSA key")
	}
	key := &dsa.PublicKey{Y: y}
	if parameters == nil || string(parameters) == "\x05\x00" {
		return key, nil
	}
	content, err := readSequence(parameters, "DSA parameters")
	if err != nil {
		return nil, err
	}
	for _, out := range []**big.Int{&key.P, &key.Q, &key.G} {
		if *out, err = readModulus(&content, "DSA parameters"); err != nil {
			return nil, err
		}
	}
	if !content.Empty() || key.P.Bit(0) == 0 || key.Q.BitLen() > key.P.BitLen() {
		return nil, errMalformed("DSA parameters")
	}
	return key, nil
}

// Bits returns the length of the key: that of the modulus of RSA and DSA, that
// of the curve's field otherwise; 0 where it is not known.
func (k PublicKey) Bits() int {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen()
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize
	case ed25519.PublicKey:
		return 256
	case *dsa.PublicKey:
		if key.P != nil {
			return key.P.BitLen()
		}
	}
	return 0
}

// Complete reports whether the key can check signatures as it is: a DSA key may
// lack its parameters.
func (k PublicKey) Complete() bool {
	key, ok := k.Key.(*dsa.PublicKey)
	return k.Key != nil && (!ok || key.P != nil)
}

// ID returns what two keys share exactly when they were read from the same
// encodings: an index for maps. A key that was not read has "".
func (k PublicKey) ID() string { return k.id }

// Inherit returns the key with the parameters of its issuer's key, where it
// lacks its own (RFC 5280, 6.1.4 (e)). It changes nothing where the issuer's is
// of another kind.
func (k PublicKey) Inherit(issuer PublicKey) PublicKey {
	from, ok := issuer.Key.(*dsa.PublicKey)
	if !ok || k.Complete() || k.Kind != DSA {
		return k
	}
	k.id = issuer.id + k.id
	k.Key = &dsa.PublicKey{Parameters: from.Parameters, Y: k.Key.(*dsa.PublicKey).Y}
	return k
}
