//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
)

// f4 is the public exponent of RSA keys that are made here.
const f4 = 65537

// common are the attributes of everything that is stored on a token.
func common(kind uint, label string, id []byte, private bool) []*pkcs11.Attribute {
	return []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, kind),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, private),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
}

// privateAttributes are those of a private key: it signs, and stays where it is.
func privateAttributes(label string, id []byte) []*pkcs11.Attribute {
	return append(common(pkcs11.CKO_PRIVATE_KEY, label, id, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true))
}

func publicAttributes(label string, id []byte) []*pkcs11.Attribute {
	return append(common(pkcs11.CKO_PUBLIC_KEY, label, id, false), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true))
}

func (t *token) generate(p pair) error {
	public, private := publicAttributes(p.label, p.id), privateAttributes(p.label, p.id)
	var kind uint
	switch {
	case p.rsaBits > 0:
		kind = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		public = append(public,
			pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, p.rsaBits),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, big.NewInt(f4).Bytes()))
	default:
		kind = pkcs11.CKM_EC_KEY_PAIR_GEN
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, p.curve))
	}
	return t.sessions.with(func(s pkcs11.SessionHandle) error {
		_, _, err := t.module.ctx.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(kind, nil)}, public, private)
		return err
	})
}

func (t *token) createKey(key crypto.PrivateKey, label string, id []byte) error {
	public, private := publicAttributes(label, id), privateAttributes(label, id)
	var err error
	switch key := key.(type) {
	case *rsa.PrivateKey:
		public, private, err = rsaObjects(public, private, key)
	case *ecdsa.PrivateKey:
		public, private, err = ecObjects(public, private, key)
	default:
		err = fmt.Errorf("%w: a key of type %T", ErrMechanism, key)
	}
	if err != nil {
		return err
	}
	defer wipe(private)
	return t.sessions.with(func(s pkcs11.SessionHandle) error {
		stored, err := t.module.ctx.CreateObject(s, private)
		if err != nil {
			return err
		}
		if _, err := t.module.ctx.CreateObject(s, public); err != nil {
			_ = t.module.ctx.DestroyObject(s, stored) // half a pair is none
			return err
		}
		return nil
	})
}

func rsaObjects(public, private []*pkcs11.Attribute, key *rsa.PrivateKey) ([]*pkcs11.Attribute, []*pkcs11.Attribute, error) {
	if len(key.Primes) != 2 {
		return nil, nil, fmt.Errorf("%w: an RSA key with %d primes", ErrMechanism, len(key.Primes))
	}
	numbers := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA),
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, key.N.Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, big.NewInt(int64(key.E)).Bytes()),
	}
	key.Precompute()
	private = append(append(private, numbers...),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE_EXPONENT, key.D.Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_PRIME_1, key.Primes[0].Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_PRIME_2, key.Primes[1].Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_EXPONENT_1, key.Precomputed.Dp.Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_EXPONENT_2, key.Precomputed.Dq.Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_COEFFICIENT, key.Precomputed.Qinv.Bytes()))
	return append(public, numbers...), private, nil
}

func ecObjects(public, private []*pkcs11.Attribute, key *ecdsa.PrivateKey) ([]*pkcs11.Attribute, []*pkcs11.Attribute, error) {
	params := curveOID(fmt.Sprintf("p%d", key.Curve.Params().BitSize))
	if params == nil {
		return nil, nil, fmt.Errorf("%w: keys on %s", ErrMechanism, key.Curve.Params().Name)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, nil, err
	}
	point, err = asn1.Marshal(point)
	if err != nil {
		return nil, nil, err
	}
	value, err := key.Bytes()
	if err != nil {
		return nil, nil, err
	}
	kind := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params),
	}
	public = append(append(public, kind...), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, point))
	return public, append(append(private, kind...), pkcs11.NewAttribute(pkcs11.CKA_VALUE, value)), nil
}

// wipe overwrites the secret ones among attributes.
func wipe(attributes []*pkcs11.Attribute) {
	for _, a := range attributes {
		switch a.Type {
		case pkcs11.CKA_VALUE, pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1, pkcs11.CKA_PRIME_2,
			pkcs11.CKA_EXPONENT_1, pkcs11.CKA_EXPONENT_2, pkcs11.CKA_COEFFICIENT:
			clear(a.Value)
		}
	}
}

func (t *token) createCertificate(c certificate) error {
	attributes := append(common(pkcs11.CKO_CERTIFICATE, c.label, c.id, false),
		pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
		pkcs11.NewAttribute(pkcs11.CKA_SUBJECT, c.subject),
		pkcs11.NewAttribute(pkcs11.CKA_ISSUER, c.issuer),
		pkcs11.NewAttribute(pkcs11.CKA_SERIAL_NUMBER, c.serial),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, c.der))
	return t.sessions.with(func(s pkcs11.SessionHandle) error {
		_, err := t.module.ctx.CreateObject(s, attributes)
		return err
	})
}
