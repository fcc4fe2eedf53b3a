package cert

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/oids"
)

// KeyType names the kind of key that an algorithm is for: "rsa", "dsa",
// "ed25519", or the name of a curve, such as "p256" and "brainpoolP256r1" (RFC
// 5480, 2.1.1). What has no name here is told by its OID.
func (a Algorithm) KeyType() string {
	if a.OID == oidEC {
		parameters := cryptobyte.String(a.Parameters)
		curve, ok := der.ReadOID(&parameters)
		if !ok {
			return "ec with parameters of its own"
		}
		if name := oids.KeyType(curve.String()); name != "" {
			return name
		}
		return "ec on curve " + curve.String()
	}
	if name := oids.KeyType(a.OID.String()); name != "" {
		return name
	}
	return a.OID.String()
}

// KeyName returns a short name of the key in a subjectPublicKeyInfo, with its
// length where the type does not tell it: "rsa-3072", "dsa-1024", "p256". ok is
// false where there is no algorithm to be read.
func KeyName(spki []byte) (name string, ok bool) {
	var info, element cryptobyte.String
	input := cryptobyte.String(spki)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return "", false
	}
	algorithm, err := ParseAlgorithm(element)
	if err != nil {
		return "", false
	}
	name = algorithm.KeyType()
	key, err := ParsePublicKey(spki)
	if err != nil {
		return name, true
	}
	switch key.Kind {
	case RSA, RSAPSS, DSA:
		if bits := key.Bits(); bits > 0 {
			return fmt.Sprintf("%s-%d", name, bits), true
		}
	}
	return name, true
}
