//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
)

const (
	// maxAttribute bounds an attribute that is read, in bytes.
	maxAttribute = 64 << 10
	// foundAtOnce is how many objects a search returns in one call.
	foundAtOnce = 100
	// maxModulus bounds an RSA modulus, in bytes.
	maxModulus = 16384 / 8
)

// token implements driver by PKCS#11.
type token struct {
	module   *module
	sessions *sessions
}

func (t *token) close() error {
	t.sessions.close()
	return t.module.close()
}

func (t *token) objects() ([]object, error) {
	var list []object
	err := t.sessions.with(func(s pkcs11.SessionHandle) error {
		for _, kind := range []struct {
			class class
			is    uint
		}{
			{privateKey, pkcs11.CKO_PRIVATE_KEY}, {publicKey, pkcs11.CKO_PUBLIC_KEY}, {certificateClass, pkcs11.CKO_CERTIFICATE},
		} {
			handles, err := t.find(s, kind.is)
			if err != nil {
				return err
			}
			for _, handle := range handles {
				if o, ok := t.object(s, handle, kind.class); ok {
					list = append(list, o)
				}
			}
		}
		return nil
	})
	return list, err
}

// find returns the objects of a class that live on the token.
func (t *token) find(s pkcs11.SessionHandle, kind uint) ([]pkcs11.ObjectHandle, error) {
	ctx := t.module.ctx
	if err := ctx.FindObjectsInit(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, kind), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
	}); err != nil {
		return nil, err
	}
	var all []pkcs11.ObjectHandle
	for {
		some, _, err := ctx.FindObjects(s, foundAtOnce)
		if err != nil || len(some) == 0 || len(all) > maxObjects {
			if end := ctx.FindObjectsFinal(s); err == nil {
				err = end
			}
			return all, err
		}
		all = append(all, some...)
	}
}

// object reads one object; false is one of a kind that is not for us.
func (t *token) object(s pkcs11.SessionHandle, handle pkcs11.ObjectHandle, kind class) (object, bool) {
	o := object{
		handle: uint(handle), class: kind,
		label: string(t.attribute(s, handle, pkcs11.CKA_LABEL)), id: t.attribute(s, handle, pkcs11.CKA_ID),
	}
	if kind == certificateClass {
		o.der = t.attribute(s, handle, pkcs11.CKA_VALUE)
		return o, len(o.der) > 0 && t.number(s, handle, pkcs11.CKA_CERTIFICATE_TYPE) == pkcs11.CKC_X_509
	}
	switch t.number(s, handle, pkcs11.CKA_KEY_TYPE) {
	case pkcs11.CKK_RSA:
		o.public = rsaPublic(t.attribute(s, handle, pkcs11.CKA_MODULUS), t.attribute(s, handle, pkcs11.CKA_PUBLIC_EXPONENT))
	case pkcs11.CKK_EC:
		o.public = ecPublic(t.attribute(s, handle, pkcs11.CKA_EC_PARAMS), t.attribute(s, handle, pkcs11.CKA_EC_POINT))
	}
	return o, true
}

// attribute reads an attribute; nil is one that is not there, or too large.
func (t *token) attribute(s pkcs11.SessionHandle, handle pkcs11.ObjectHandle, kind uint) []byte {
	list, err := t.module.ctx.GetAttributeValue(s, handle, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil || len(list) != 1 || len(list[0].Value) > maxAttribute {
		return nil
	}
	return list[0].Value
}

// number reads an attribute that is a CK_ULONG, in the order of this machine. What is
// none is a number that nothing has.
func (t *token) number(s pkcs11.SessionHandle, handle pkcs11.ObjectHandle, kind uint) uint64 {
	switch value := t.attribute(s, handle, kind); len(value) {
	case 8:
		return binary.NativeEndian.Uint64(value)
	case 4:
		return uint64(binary.NativeEndian.Uint32(value))
	default:
		return ^uint64(0)
	}
}

// rsaPublic makes a key of its numbers; nil where they are none.
func rsaPublic(modulus, exponent []byte) crypto.PublicKey {
	e := new(big.Int).SetBytes(exponent)
	if len(modulus) == 0 || len(modulus) > maxModulus || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}
}

// ecPublic makes a key of the identifier of its curve and its point, which is an
// OCTET STRING, or with some tokens bare; nil where they are none.
func ecPublic(params, point []byte) crypto.PublicKey {
	curve := curveOf(params)
	if curve == nil || len(point) == 0 {
		return nil
	}
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
		point = inner
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil
	}
	return key
}

func curveOf(params []byte) elliptic.Curve {
	for _, curve := range []struct {
		name string
		elliptic.Curve
	}{{"p256", elliptic.P256()}, {"p384", elliptic.P384()}, {"p521", elliptic.P521()}} {
		if string(curveOID(curve.name)) == string(params) {
			return curve.Curve
		}
	}
	return nil
}

func (t *token) destroy(handle uint) error {
	return t.sessions.with(func(s pkcs11.SessionHandle) error {
		return t.module.ctx.DestroyObject(s, pkcs11.ObjectHandle(handle))
	})
}

func (t *token) sign(handle uint, m mechanism, data []byte) ([]byte, error) {
	kind, ok := map[mechanism]uint{rsaPKCS: pkcs11.CKM_RSA_PKCS, ecdsaRaw: pkcs11.CKM_ECDSA}[m]
	if !ok {
		return nil, fmt.Errorf("%w: mechanism %d", ErrMechanism, m)
	}
	var signature []byte
	err := t.sessions.with(func(s pkcs11.SessionHandle) error {
		err := t.module.ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(kind, nil)}, pkcs11.ObjectHandle(handle))
		if err == nil {
			signature, err = t.module.ctx.Sign(s, data)
		}
		return err
	})
	return signature, err
}
