package suite

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/bigmod"
)

// maxScalarTries bounds the search for a private key on a curve. Half of all
// candidates would have to fail 128 times, and in fact one in 2^32 does.
const maxScalarTries = 128

// uncompressed marks a point that is written as x and y (SEC 1, 2.3.3). IKE
// leaves it out (RFC 5903, 7).
const uncompressed = 4

// generator is that of all MODP groups.
const generator = 2

// PrivateKey is one side's secret in a Diffie-Hellman exchange. It is used for
// one exchange and wiped.
type PrivateKey struct {
	group  Group
	secret []byte // MODP exponent; nil for ECP and after Wipe
	curve  *ecdh.PrivateKey
	public []byte
}

// GenerateKey makes a private key of the bytes that rand gives.
func (g Group) GenerateKey(rand io.Reader) (*PrivateKey, error) {
	switch {
	case g.curve() != nil:
		return g.generateECP(rand)
	case g.modp().prime != "":
		return g.generateMODP(rand)
	}
	return nil, fmt.Errorf("suite: Diffie-Hellman %s is not supported", g)
}

func (g Group) generateMODP(rand io.Reader) (*PrivateKey, error) {
	secret := make([]byte, g.modp().exponent/8)
	if _, err := io.ReadFull(rand, secret); err != nil {
		return nil, fmt.Errorf("suite: making a key of %s: %w", g, err)
	}
	secret[0] |= 1 << 7 // of exactly the length that modp promises, so never 0
	p, err := g.modulus()
	if err != nil {
		return nil, err
	}
	two := make([]byte, p.Size())
	two[len(two)-1] = generator
	base, err := bigmod.NewNat().SetBytes(two, p)
	if err != nil {
		return nil, fmt.Errorf("suite: %s: %w", g, err)
	}
	public := bigmod.NewNat().Exp(base, secret, p).Bytes(p)
	return &PrivateKey{group: g, secret: secret, public: public}, nil
}

// generateECP reads the scalar itself: ecdh's GenerateKey does not promise to
// use the reader.
func (g Group) generateECP(rand io.Reader) (*PrivateKey, error) {
	scalar := make([]byte, g.curveField())
	defer clear(scalar)
	for range maxScalarTries {
		if _, err := io.ReadFull(rand, scalar); err != nil {
			return nil, fmt.Errorf("suite: making a key of %s: %w", g, err)
		}
		if g == ECP521 {
			scalar[0] &= 1 // the order has 521 bits in 66 bytes
		}
		// Refuses 0 and what is not below the order.
		key, err := g.curve().NewPrivateKey(scalar)
		if err != nil {
			continue
		}
		return &PrivateKey{group: g, curve: key, public: key.PublicKey().Bytes()[1:]}, nil
	}
	return nil, fmt.Errorf("suite: making a key of %s: no usable random number in %d tries", g, maxScalarTries)
}

// modulus gives the prime of a MODP group.
func (g Group) modulus() (*bigmod.Modulus, error) {
	prime, err := hex.DecodeString(g.modp().prime)
	if err != nil {
		return nil, fmt.Errorf("suite: %s: %w", g, err)
	}
	p, err := bigmod.NewModulus(prime)
	if err != nil {
		return nil, fmt.Errorf("suite: %s: %w", g, err)
	}
	return p, nil
}

// Group gives the group that the key belongs to.
func (k *PrivateKey) Group() Group { return k.group }

// Public gives the body of the key exchange payload: g^x with leading zeros up
// to the prime's length (RFC 2409, 5), or x and y of the point (RFC 5903, 7).
func (k *PrivateKey) Public() []byte { return bytes.Clone(k.public) }

// Shared gives g^xy with the peer's public value: with leading zeros up to the
// prime's length (RFC 2409, 5), or the x coordinate alone (RFC 5903, 9). The
// error says what is wrong with the peer's value; INVALID-KEY-INFORMATION
// answers it.
func (k *PrivateKey) Shared(peer []byte) ([]byte, error) {
	if k.secret == nil && k.curve == nil {
		return nil, errors.New("suite: the private key has been wiped")
	}
	if len(peer) != k.group.PublicSize() {
		return nil, fmt.Errorf("suite: public value of %d bytes for %s, want %d", len(peer), k.group, k.group.PublicSize())
	}
	if k.curve != nil {
		return k.sharedECP(peer)
	}
	return k.sharedMODP(peer)
}

// sharedECP leaves the checks of the point to ecdh: on the curve, coordinates
// below p, and not at infinity, which IKE cannot write.
func (k *PrivateKey) sharedECP(peer []byte) ([]byte, error) {
	point, err := k.group.curve().NewPublicKey(append([]byte{uncompressed}, peer...))
	if err != nil {
		return nil, fmt.Errorf("suite: public value for %s is no point of the curve: %w", k.group, err)
	}
	shared, err := k.curve.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("suite: %s: %w", k.group, err)
	}
	return shared, nil
}

// sharedMODP refuses the elements of the small subgroup: the primes are safe,
// so 1 and p-1 are all there are. The peer's value is public, and so is the way
// it is refused.
func (k *PrivateKey) sharedMODP(peer []byte) ([]byte, error) {
	p, err := k.group.modulus()
	if err != nil {
		return nil, err
	}
	y, err := bigmod.NewNat().SetBytes(peer, p)
	if err != nil {
		return nil, fmt.Errorf("suite: public value for %s is not below the prime", k.group)
	}
	if y.IsZero() == 1 || y.IsOne() == 1 || y.IsMinusOne(p) == 1 {
		return nil, fmt.Errorf("suite: public value for %s is 0, 1 or p-1", k.group)
	}
	return bigmod.NewNat().Exp(y, k.secret, p).Bytes(p), nil
}

// Wipe makes the key useless. It overwrites an exponent in memory; a key on a
// curve it only lets go, since ecdh keeps that to itself.
func (k *PrivateKey) Wipe() {
	clear(k.secret)
	k.secret, k.curve = nil, nil
}
