package csr

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/oids"
)

// Object identifiers of the extensions that requests and certificates carry.
var (
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidAltName          = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// keyUsageBits is the number of bits that RFC 5280, 4.2.1.3 names.
const keyUsageBits = 9

// extensions encodes what the template asks for; crypto/x509 has no fields for
// most of it in a request.
func (t Template) extensions() ([]pkix.Extension, error) {
	var list []pkix.Extension
	if len(t.SANs)+len(t.OtherNames) > 0 {
		names, err := altNameExtension(t.Subject, t.SANs, t.OtherNames)
		if err != nil {
			return nil, err
		}
		list = append(list, names)
	}
	for _, e := range []struct {
		asked    bool
		id       asn1.ObjectIdentifier
		critical bool
		add      func(*cryptobyte.Builder)
	}{
		{t.usage() != 0, oidKeyUsage, true, t.addKeyUsage},
		{len(t.purposes()) > 0, oidExtKeyUsage, false, t.addPurposes},
		{t.BasicConstraints != nil, oidBasicConstraints, true, t.addBasicConstraints},
	} {
		if !e.asked {
			continue
		}
		var b cryptobyte.Builder
		e.add(&b)
		value, err := b.Bytes()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", oids.ExtensionName(e.id.String()), err)
		}
		list = append(list, pkix.Extension{Id: e.id, Critical: e.critical, Value: value})
	}
	return append(list, t.Extensions...), nil
}

// addBasicConstraints encodes RFC 5280, 4.2.1.9: FALSE is the default, which DER
// leaves out.
func (t Template) addBasicConstraints(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if t.BasicConstraints.CA {
			b.AddASN1Boolean(true)
		}
		if n := t.BasicConstraints.PathLen; n != nil {
			b.AddASN1Int64(int64(*n))
		}
	})
}

// addPurposes encodes the extended key usages (RFC 5280, 4.2.1.12).
func (t Template) addPurposes(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, id := range t.purposes() {
			b.AddASN1ObjectIdentifier(id)
		}
	})
}

// addKeyUsage encodes a named bit list, which ends with its last set bit (X.690,
// 11.2.2): digitalSignature is bit 0, the highest of the first octet.
func (t Template) addKeyUsage(b *cryptobyte.Builder) {
	var octets []byte
	for i := range keyUsageBits {
		if t.usage()&(1<<i) == 0 {
			continue
		}
		for len(octets) <= i/8 {
			octets = append(octets, 0)
		}
		octets[i/8] |= 0x80 >> (i % 8)
	}
	unused := bits.TrailingZeros8(octets[len(octets)-1])
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(unused))
		b.AddBytes(octets)
	})
}
