package keyfile

import (
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// maxDSABits and maxDSAOrder bound the primes p and q of a DSA key in bits,
	// and so what its check costs: some milliseconds. FIPS 186-4, 4.2 goes to
	// 3072 and 256.
	maxDSABits  = 4096
	maxDSAOrder = 256
	// dsaIntegers is how many numbers follow the version of a traditional DSA
	// key: p, q, g, y and x. An RSA key has eight.
	dsaIntegers = 5
)

var oidDSA = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}

// A dsaKey has the parameters of a DSA key and its private number.
type dsaKey struct{ p, q, g, x *big.Int }

// fromDSA makes PKCS#8 of the numbers of a traditional DSA key.
func fromDSA(numbers cryptobyte.String) ([]byte, error) {
	k := dsaKey{new(big.Int), new(big.Int), new(big.Int), new(big.Int)}
	y := new(big.Int)
	for _, number := range []*big.Int{k.p, k.q, k.g, y, k.x} {
		if !numbers.ReadASN1Integer(number) {
			return nil, fmt.Errorf("%w: not a DSA key", ErrDamaged)
		}
	}
	if !numbers.Empty() {
		return nil, fmt.Errorf("%w: not a DSA key", ErrDamaged)
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	if k.public().Cmp(y) != 0 {
		return nil, inconsistent("DSA")
	}
	var params, private cryptobyte.Builder
	params.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(k.p)
		b.AddASN1BigInt(k.q)
		b.AddASN1BigInt(k.g)
	})
	private.AddASN1BigInt(k.x)
	return wrapPKCS8(oidDSA, params.BytesOrPanic(), private.BytesOrPanic())
}

// dsa reads a DSA key from PKCS#8 (RFC 3279, 2.3.2 has the parameters).
func (k pkcs8) dsa() (dsaKey, error) {
	d := dsaKey{new(big.Int), new(big.Int), new(big.Int), new(big.Int)}
	var seq cryptobyte.String
	params, private := k.params, k.private
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() ||
		!seq.ReadASN1Integer(d.p) || !seq.ReadASN1Integer(d.q) || !seq.ReadASN1Integer(d.g) || !seq.Empty() ||
		!private.ReadASN1Integer(d.x) || !private.Empty() {
		return d, fmt.Errorf("%w: not a DSA key", ErrDamaged)
	}
	return d, d.check()
}

// check reports numbers out of their ranges and a generator of another group
// (FIPS 186-4, 4.1).
func (k dsaKey) check() error {
	if k.p.BitLen() > maxDSABits || k.q.BitLen() > maxDSAOrder {
		return fmt.Errorf("%w: a DSA key of %d and %d bits, and %d and %d are allowed",
			ErrUnsupported, k.p.BitLen(), k.q.BitLen(), maxDSABits, maxDSAOrder)
	}
	one := big.NewInt(1)
	if k.q.Cmp(one) <= 0 || k.p.Cmp(k.q) <= 0 || k.g.Cmp(one) <= 0 || k.g.Cmp(k.p) >= 0 ||
		k.x.Sign() <= 0 || k.x.Cmp(k.q) >= 0 || k.p.Bit(0) == 0 ||
		new(big.Int).Mod(new(big.Int).Sub(k.p, one), k.q).Sign() != 0 ||
		new(big.Int).Exp(k.g, k.q, k.p).Cmp(one) != 0 {
		return inconsistent("DSA")
	}
	return nil
}

func (k dsaKey) public() *big.Int { return new(big.Int).Exp(k.g, k.x, k.p) }

// publicDSA writes the DSAPublicKey (RFC 3279, 2.3.2).
func (k pkcs8) publicDSA() []byte {
	d, err := k.dsa()
	if err != nil {
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1BigInt(d.public())
	return b.BytesOrPanic()
}
