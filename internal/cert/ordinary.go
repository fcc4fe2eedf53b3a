package cert

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// An Ordinary is what a list tells of a certificate in which nothing is unusual.
type Ordinary struct {
	Subject             []byte // the whole element, a part of the input
	NotBefore, NotAfter time.Time
}

// ReadOrdinary reads a certificate that breaks no rule here, and that crypto/x509
// reads, with a key that it can use. ok is false where that is not certain, which
// says nothing against the certificate: Parse and crypto/x509 are to be asked.
//
// It makes next to nothing in memory, where those make some 7 kB together: a key
// database has thousands of certificates, and nearly all are ordinary.
func ReadOrdinary(encoded []byte) (o Ordinary, ok bool) {
	var outer, tbs, serial, inner, issuer, subject, validity, spki, algorithm, signature cryptobyte.String
	input := cryptobyte.String(encoded)
	if len(encoded) > MaxSize || !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!outer.ReadASN1(&signature, cbasn1.BIT_STRING) || !outer.Empty() || len(signature) == 0 || signature[0] != 0 {
		return Ordinary{}, false
	}
	version, ok := ordinaryVersion(&tbs)
	if !ok || !tbs.ReadASN1(&serial, cbasn1.INTEGER) || !der.Minimal(serial) || serial[0]&0x80 != 0 || len(serial) > MaxSerial ||
		len(serial) == 1 && serial[0] == 0 ||
		!tbs.ReadASN1Element(&inner, cbasn1.SEQUENCE) || !bytes.Equal(inner, algorithm) || !ordinaryAlgorithm(inner) ||
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !ordinaryName(issuer) ||
		!tbs.ReadASN1(&validity, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) || !ordinaryName(subject) ||
		!tbs.ReadASN1(&spki, cbasn1.SEQUENCE) || !ordinaryKey(spki) {
		return Ordinary{}, false
	}
	o.Subject = subject
	if o.NotBefore, ok = der.ReadTime(&validity); !ok {
		return Ordinary{}, false
	}
	if o.NotAfter, ok = der.ReadTime(&validity); !ok || !validity.Empty() {
		return Ordinary{}, false
	}
	return o, ordinaryRest(tbs, version)
}

// ordinaryVersion reads version 3, or version 1, which is left out.
func ordinaryVersion(tbs *cryptobyte.String) (version int, ok bool) {
	if !tbs.PeekASN1Tag(tag0Constructed) {
		return 1, true
	}
	var explicit cryptobyte.String
	ok = tbs.ReadASN1(&explicit, tag0Constructed) && string(explicit) == "\x02\x01\x02"
	return 3, ok
}

// ordinaryAlgorithm takes an AlgorithmIdentifier of any algorithm, with or without
// parameters.
func ordinaryAlgorithm(element cryptobyte.String) bool {
	var content, parameters cryptobyte.String
	var tag cbasn1.Tag
	return element.ReadASN1(&content, cbasn1.SEQUENCE) && skipOrdinaryOID(&content) &&
		(content.Empty() || content.ReadAnyASN1Element(&parameters, &tag) && content.Empty())
}

// skipOrdinaryOID takes an identifier whose components are below 2^28, as
// encoding/asn1 has them.
func skipOrdinaryOID(s *cryptobyte.String) bool {
	content, ok := der.ReadRawOID(s)
	return ok && ordinaryOID(content)
}

func ordinaryOID(content []byte) bool {
	size := 0
	for _, octet := range content {
		if size++; size > 4 {
			return false
		}
		if octet&0x80 == 0 {
			size = 0
		}
	}
	return true
}

// ordinaryName takes a Name of strings in the types that RFC 5280, 4.1.2.4 wants.
func ordinaryName(element cryptobyte.String) bool {
	var name cryptobyte.String
	if !element.ReadASN1(&name, cbasn1.SEQUENCE) || !element.Empty() {
		return false
	}
	for !name.Empty() {
		var set cryptobyte.String
		if !name.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return false
		}
		for !set.Empty() {
			var pair, value cryptobyte.String
			var tag cbasn1.Tag
			if !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !skipOrdinaryOID(&pair) || !pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
				return false
			}
			if !ordinaryText(tag, value) {
				return false
			}
		}
	}
	return true
}

func ordinaryText(tag cbasn1.Tag, text []byte) bool {
	switch tag {
	case cbasn1.UTF8String:
		return utf8.Valid(text)
	case cbasn1.IA5String:
		return isASCII(text)
	case cbasn1.PrintableString:
		for _, c := range text {
			letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
			if !letter && !digit && bytes.IndexByte([]byte(" '()+,-./:=?"), c) < 0 { // X.680, 41.4
				return false
			}
		}
		return true
	default:
		return false
	}
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// ordinaryKey takes the content of a subjectPublicKeyInfo with an RSA key, an ECDSA
// key on one of NIST's curves, or an Ed25519 key.
func ordinaryKey(spki cryptobyte.String) bool {
	var algorithm, bits cryptobyte.String
	if !spki.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !spki.ReadASN1(&bits, cbasn1.BIT_STRING) || !spki.Empty() ||
		len(bits) < 2 || bits[0] != 0 {
		return false
	}
	oid, ok := der.ReadRawOID(&algorithm)
	bits = bits[1:]
	switch OID(oid) {
	case oidRSA:
		return ok && string(algorithm) == "\x05\x00" && ordinaryRSA(bits)
	case oidEC:
		named, ok := der.ReadRawOID(&algorithm)
		return ok && algorithm.Empty() && onCurve(named, bits)
	case oidEd25519:
		return ok && algorithm.Empty() && len(bits) == ed25519.PublicKeySize
	default:
		return false
	}
}

// ordinaryRSA takes an RSAPublicKey (RFC 8017, A.1.1) with a modulus of at most
// MaxKeyBits and an exponent of less than 2^31.
func ordinaryRSA(key cryptobyte.String) bool {
	var content, modulus, exponent cryptobyte.String
	return key.ReadASN1(&content, cbasn1.SEQUENCE) && key.Empty() &&
		content.ReadASN1(&modulus, cbasn1.INTEGER) && content.ReadASN1(&exponent, cbasn1.INTEGER) && content.Empty() &&
		positive(modulus) && len(modulus) <= MaxKeyBits/8+1 && (len(modulus) <= MaxKeyBits/8 || modulus[0] == 0) &&
		positive(exponent) && len(exponent) <= 4
}

// positive reports whether an INTEGER's content is the shortest form of a number
// above zero.
func positive(content []byte) bool {
	return der.Minimal(content) && content[0]&0x80 == 0 && (len(content) > 1 || content[0] != 0)
}

// onCurve reports whether the octets are a point on a curve, uncompressed.
func onCurve(named, point []byte) bool {
	var curve ecdh.Curve
	switch string(named) {
	case "\x2a\x86\x48\xce\x3d\x03\x01\x07":
		curve = ecdh.P256()
	case "\x2b\x81\x04\x00\x22":
		curve = ecdh.P384()
	case "\x2b\x81\x04\x00\x23":
		curve = ecdh.P521()
	default:
		return false
	}
	_, err := curve.NewPublicKey(point)
	return err == nil
}

// ordinaryRest takes what stands behind the key.
func ordinaryRest(tbs cryptobyte.String, version int) bool {
	if tbs.Empty() {
		return true
	}
	var explicit, extensions cryptobyte.String
	if version != 3 || !tbs.ReadASN1(&explicit, tag3Constructed) || !tbs.Empty() ||
		!explicit.ReadASN1(&extensions, cbasn1.SEQUENCE) || !explicit.Empty() || extensions.Empty() {
		return false
	}
	for rest, n := extensions, 0; !rest.Empty(); n++ {
		before := extensions[:len(extensions)-len(rest)]
		oid, critical, value, ok := der.ReadRawExtension(&rest)
		if !ok || n == MaxExtensions || hasExtension(before, oid) || !ordinaryExtension(oid, critical, value) {
			return false
		}
	}
	return true
}

// hasExtension looks for an identifier among extensions that have been read.
func hasExtension(extensions cryptobyte.String, oid []byte) bool {
	for !extensions.Empty() {
		if other, _, _, ok := der.ReadRawExtension(&extensions); !ok || bytes.Equal(oid, other) {
			return true
		}
	}
	return false
}

// ordinaryExtension takes the extensions that nearly all certificates have, as RFC
// 5280, 4.2.1 has them, and those that crypto/x509 does not know.
func ordinaryExtension(oid []byte, critical bool, value cryptobyte.String) bool {
	const (
		idCE   = "\x55\x1d"
		idPKIX = "\x2b\x06\x01\x05\x05\x07"
	)
	if len(oid) != len(idCE)+1 || string(oid[:len(idCE)]) != idCE {
		// What else lies there, such as authorityInfoAccess, is not looked into.
		return !bytes.HasPrefix(oid, []byte(idCE)) && !bytes.HasPrefix(oid, []byte(idPKIX)) && ordinaryOID(oid)
	}
	var content cryptobyte.String
	switch oid[len(idCE)] {
	case 14: // subjectKeyIdentifier
		return !critical && value.ReadASN1(&content, cbasn1.OCTET_STRING) && value.Empty()
	case 15: // keyUsage
		return value.ReadASN1(&content, cbasn1.BIT_STRING) && value.Empty() && wholeBits(content)
	case 17: // subjectAltName
		return value.ReadASN1(&content, cbasn1.SEQUENCE) && value.Empty() && ordinaryNames(content)
	case 19: // basicConstraints
		return value.ReadASN1(&content, cbasn1.SEQUENCE) && value.Empty() && ordinaryConstraints(content)
	case 35: // authorityKeyIdentifier
		return !critical && value.ReadASN1(&content, cbasn1.SEQUENCE) && value.Empty() &&
			(content.Empty() || content.SkipASN1(tag0) && content.Empty())
	case 37: // extKeyUsage
		return value.ReadASN1(&content, cbasn1.SEQUENCE) && value.Empty() && ordinaryPurposes(content)
	default:
		return false
	}
}

// ordinaryNames takes GeneralNames of mail addresses, DNS names and IP addresses.
func ordinaryNames(names cryptobyte.String) bool {
	if names.Empty() {
		return false
	}
	for !names.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !names.ReadAnyASN1(&name, &tag) {
			return false
		}
		switch tag {
		case tag1, tag2: // rfc822Name, dNSName
			if !isASCII(name) {
				return false
			}
		case tag7: // iPAddress
			if len(name) != 4 && len(name) != 16 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// ordinaryConstraints takes the fields of BasicConstraints.
func ordinaryConstraints(fields cryptobyte.String) bool {
	var isCA bool
	var length cryptobyte.String
	if fields.PeekASN1Tag(cbasn1.BOOLEAN) && !der.ReadBool(&fields, cbasn1.BOOLEAN, &isCA) {
		return false
	}
	if fields.PeekASN1Tag(cbasn1.INTEGER) &&
		(!fields.ReadASN1(&length, cbasn1.INTEGER) || !der.Minimal(length) || len(length) > 2 || length[0]&0x80 != 0) {
		return false
	}
	return fields.Empty()
}

// ordinaryPurposes takes the identifiers of ExtKeyUsageSyntax.
func ordinaryPurposes(purposes cryptobyte.String) bool {
	if purposes.Empty() {
		return false
	}
	for !purposes.Empty() {
		if !skipOrdinaryOID(&purposes) {
			return false
		}
	}
	return true
}
