package pbe

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

// MaxScryptMemory bounds the memory in bytes that scrypt may take: N = 2^17
// with r = 8, four times what OpenSSL allows. The time it takes falls under the
// same limit as that of other derivations.
const MaxScryptMemory = 128 << 20

// scryptBlock is what N, r and p are counted in, bytes (RFC 7914, 5).
const scryptBlock = 128

var oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}

// scrypt derives a key of n bytes by scrypt-params (RFC 7914, 7.1).
func (o *Opener) scrypt(params cryptobyte.String, n int) ([]byte, error) {
	var (
		seq, salt cryptobyte.String
		cost      int // N
		blockSize int // r
		parallel  int // p
		keyLength = n
	)
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.ReadASN1Integer(&cost) || !seq.ReadASN1Integer(&blockSize) || !seq.ReadASN1Integer(&parallel) ||
		(!seq.Empty() && !seq.ReadASN1Integer(&keyLength)) || !seq.Empty() {
		return nil, fmt.Errorf("%w: scrypt", ErrMalformed)
	}
	// RFC 7914, 2: N is a power of two and larger than 1.
	if cost < 2 || cost&(cost-1) != 0 || blockSize < 1 || parallel < 1 || keyLength != n {
		return nil, fmt.Errorf("%w: scrypt with N %d, r %d, p %d, key length %d", ErrMalformed, cost, blockSize, parallel, keyLength)
	}
	// Both tables count: one of N blocks, one of p. No product overflows, since
	// each factor is checked against what is left of the limit.
	const blocks = MaxScryptMemory / scryptBlock
	if cost > blocks || parallel > blocks || blockSize > blocks/max(cost, parallel) {
		return nil, fmt.Errorf("%w: scrypt with N %d, r %d, p %d takes more than %d MB of memory", ErrLimit, cost, blockSize, parallel, MaxScryptMemory>>20)
	}
	// It computes the core of Salsa20 4*N*r*p times (RFC 7914, 4 and 5), which
	// takes about as long as an iteration of the others does.
	work := 4 * cost * blockSize
	if parallel > o.limits.Iterations/work {
		return nil, fmt.Errorf("%w: scrypt with N %d, r %d, p %d", ErrLimit, cost, blockSize, parallel)
	}
	return o.derive(fmt.Sprintf("scrypt %d %d %d", cost, blockSize, parallel), salt, work*parallel, n, n, func() ([]byte, error) {
		return scrypt.Key(o.password.utf8, salt, cost, blockSize, parallel, n)
	})
}
