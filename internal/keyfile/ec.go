package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var oidEC = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// The named curves that Go knows (RFC 5480, 2.1.1.1).
var goCurves = []asn1.ObjectIdentifier{
	{1, 3, 132, 0, 33},
	{1, 2, 840, 10045, 3, 1, 7},
	{1, 3, 132, 0, 34},
	{1, 3, 132, 0, 35},
}

// An ecKey is an ECPrivateKey (RFC 5915, 3).
type ecKey struct {
	private cryptobyte.String
	params  []byte // ECParameters, an element; nil where absent
	public  []byte // the point; nil where absent
}

func readEC(der cryptobyte.String) (ecKey, bool) {
	var (
		k                    ecKey
		seq, params, public  cryptobyte.String
		version              int
		hasParams, hasPublic bool
	)
	if !der.ReadASN1(&seq, cbasn1.SEQUENCE) || !der.Empty() ||
		!seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1(&k.private, cbasn1.OCTET_STRING) || k.private.Empty() ||
		!seq.ReadOptionalASN1(&params, &hasParams, tag0) ||
		!seq.ReadOptionalASN1(&public, &hasPublic, tag1) || !seq.Empty() {
		return k, false
	}
	if hasParams {
		if !oneElement(params) {
			return k, false
		}
		k.params = params
	}
	if hasPublic && (!public.ReadASN1BitStringAsBytes(&k.public) || !public.Empty() || len(k.public) == 0) {
		return k, false
	}
	return k, true
}

// writeEC writes an ECPrivateKey with what there is.
func writeEC(k ecKey) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(k.private)
		if k.params != nil {
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(k.params) })
		}
		if k.public != nil {
			b.AddASN1(tag1, func(b *cryptobyte.Builder) { b.AddASN1BitString(k.public) })
		}
	})
	return b.Bytes()
}

// fromEC makes PKCS#8 of an ECPrivateKey: the parameters go to the
// AlgorithmIdentifier (RFC 5480, 2.1.1).
func fromEC(der []byte) ([]byte, error) {
	k, ok := readEC(der)
	if !ok {
		return nil, fmt.Errorf("%w: not an EC key", ErrDamaged)
	}
	params := k.params
	k.params = nil
	private, err := writeEC(k)
	if err != nil {
		return nil, err
	}
	if params == nil {
		return fromECWithoutCurve(k, private)
	}
	return wrapPKCS8(oidEC, params, private)
}

// fromECWithoutCurve makes PKCS#8 of a key that does not say its curve, as
// GnuTLS writes keys that it got in PKCS#8. Its curve is the one on which its
// public key belongs to the private one.
func fromECWithoutCurve(k ecKey, private []byte) ([]byte, error) {
	for _, curve := range goCurves {
		params, err := asn1.Marshal(curve)
		if err != nil {
			return nil, err
		}
		der, err := wrapPKCS8(oidEC, params, private)
		if err != nil {
			return nil, err
		}
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		if key, ok := parsed.(*ecdsa.PrivateKey); err == nil && ok && k.public != nil && isPoint(key, k.public) {
			return der, nil
		}
	}
	return nil, fmt.Errorf("%w: the EC key does not say its curve", ErrUnsupported)
}

// goEC returns the key as Go knows it; nil for a curve that Go does not know.
func (k pkcs8) goEC() (*ecdsa.PrivateKey, error) {
	params := k.params
	var curve asn1.ObjectIdentifier
	if !params.ReadASN1ObjectIdentifier(&curve) {
		return nil, nil // parameters in full, which have no name
	}
	for _, known := range goCurves {
		if !known.Equal(curve) {
			continue
		}
		// The parser's text could hold a part of the key.
		parsed, err := x509.ParsePKCS8PrivateKey(k.der)
		key, ok := parsed.(*ecdsa.PrivateKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: not a key of its curve", ErrDamaged)
		}
		return key, nil
	}
	return nil, nil
}

// checkEC reports a key with another public key beside it than its own.
func (k pkcs8) checkEC() error {
	inner, ok := readEC(k.private)
	if !ok {
		return fmt.Errorf("%w: not an EC key", ErrDamaged)
	}
	key, err := k.goEC()
	if err != nil || key == nil {
		return err
	}
	for _, public := range [][]byte{inner.public, k.public} {
		if public != nil && !isPoint(key, public) {
			return inconsistent("EC")
		}
	}
	return nil
}

// isPoint reports whether octets are the public key of key, compressed or not
// (SEC 1, 2.3.3).
func isPoint(key *ecdsa.PrivateKey, octets []byte) bool {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return false
	}
	if octets[0] != 4 {
		return bytes.Equal(octets, elliptic.MarshalCompressed(key.Curve, key.X, key.Y))
	}
	return bytes.Equal(octets, point)
}

// publicEC returns the point; nil where the curve is not known and the key does
// not say it.
func (k pkcs8) publicEC() []byte {
	key, err := k.goEC()
	if err != nil {
		return nil
	}
	if key != nil {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil
		}
		return point
	}
	inner, ok := readEC(k.private)
	if !ok {
		return nil
	}
	return inner.public
}
