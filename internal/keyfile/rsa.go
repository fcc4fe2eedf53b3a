package keyfile

import (
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxRSABits bounds the modulus of an RSA key, as OpenSSL does.
const MaxRSABits = 16384

var (
	oidRSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
)

// An rsaKey is an RSAPrivateKey (RFC 8017, A.1.2), with its numbers as they are
// in the file. More than two primes are not looked at.
type rsaKey struct {
	version       int
	n, e, d, p, q *big.Int
	dp, dq, qInv  *big.Int
	hasMore       bool // otherPrimeInfos
}

func readRSA(der cryptobyte.String) (rsaKey, bool) {
	k := rsaKey{n: new(big.Int), e: new(big.Int), d: new(big.Int), p: new(big.Int), q: new(big.Int), dp: new(big.Int), dq: new(big.Int), qInv: new(big.Int)}
	var seq cryptobyte.String
	if !der.ReadASN1(&seq, cbasn1.SEQUENCE) || !der.Empty() || !seq.ReadASN1Integer(&k.version) {
		return k, false
	}
	for _, number := range []*big.Int{k.n, k.e, k.d, k.p, k.q, k.dp, k.dq, k.qInv} {
		if !seq.ReadASN1Integer(number) || number.Sign() <= 0 {
			return k, false
		}
	}
	k.hasMore = !seq.Empty()
	return k, true
}

// checkRSA reports a key whose numbers contradict each other. Go's own parser
// does that too, but refuses keys with which there is nothing wrong.
func checkRSA(der cryptobyte.String) error {
	k, ok := readRSA(der)
	if !ok || k.version < 0 || k.version > 1 || k.hasMore != (k.version == 1) {
		return fmt.Errorf("%w: not an RSA key", ErrDamaged)
	}
	if k.n.BitLen() > MaxRSABits {
		return fmt.Errorf("%w: an RSA key of %d bits, and %d are allowed", ErrUnsupported, k.n.BitLen(), MaxRSABits)
	}
	if k.version == 1 {
		return nil
	}
	one := big.NewInt(1)
	for _, number := range []*big.Int{k.e, k.d, k.p, k.q, k.dp, k.dq, k.qInv} {
		if number.Cmp(k.n) >= 0 {
			return inconsistent("RSA")
		}
	}
	if k.p.Cmp(one) == 0 || k.q.Cmp(one) == 0 || new(big.Int).Mul(k.p, k.q).Cmp(k.n) != 0 {
		return inconsistent("RSA")
	}
	p1, q1 := new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one)
	for _, r := range []struct{ a, b, modulus *big.Int }{
		{k.e, k.d, p1}, {k.e, k.d, q1}, // RFC 8017, 3.2
		{k.e, k.dp, p1}, {k.e, k.dq, q1}, {k.q, k.qInv, k.p},
	} {
		product := new(big.Int).Mul(r.a, r.b)
		if product.Sub(product, one).Mod(product, r.modulus).Sign() != 0 {
			return inconsistent("RSA")
		}
	}
	return nil
}

func inconsistent(algorithm string) error {
	return fmt.Errorf("%w: the parts of the %s key do not belong together", ErrDamaged, algorithm)
}

// publicRSA writes the RSAPublicKey (RFC 8017, A.1.1).
func publicRSA(der cryptobyte.String) []byte {
	k, ok := readRSA(der)
	if !ok {
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(k.n)
		b.AddASN1BigInt(k.e)
	})
	return b.BytesOrPanic()
}
