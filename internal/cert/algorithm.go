package cert

import (
	"crypto"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// An Algorithm is an AlgorithmIdentifier (RFC 5280, 4.1.1.2).
type Algorithm struct {
	OID OID
	// Parameters is the whole element, nil where there is none.
	Parameters []byte
	// Raw is the whole AlgorithmIdentifier.
	Raw []byte
}

// ParseAlgorithm reads an AlgorithmIdentifier, which must fill element.
func ParseAlgorithm(element []byte) (Algorithm, error) {
	input := cryptobyte.String(element)
	a, ok := readAlgorithm(&input)
	if !ok || !input.Empty() {
		return Algorithm{}, errMalformed("algorithm identifier")
	}
	return a, nil
}

func readAlgorithm(s *cryptobyte.String) (a Algorithm, ok bool) {
	var element, content, parameters cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return Algorithm{}, false
	}
	a.Raw = element
	if !element.ReadASN1(&content, cbasn1.SEQUENCE) {
		return Algorithm{}, false
	}
	if a.OID, ok = der.ReadOID(&content); !ok {
		return Algorithm{}, false
	}
	if !content.Empty() && (!content.ReadAnyASN1Element(&parameters, &tag) || !content.Empty()) {
		return Algorithm{}, false
	}
	a.Parameters = parameters
	return a, true
}

// null reports whether the parameters are NULL.
func (a Algorithm) null() bool { return string(a.Parameters) == "\x05\x00" }

// A KeyKind is a kind of public key.
type KeyKind uint8

// The kinds of keys that are known here.
const (
	UnknownKey KeyKind = iota
	RSA
	RSAPSS // a key for RSASSA-PSS only (RFC 4055, 1.2)
	ECDSA
	Ed25519
	DSA
)

// String returns the kind's usual name.
func (k KeyKind) String() string {
	switch k {
	case RSA:
		return "RSA"
	case RSAPSS:
		return "RSA-PSS"
	case ECDSA:
		return "ECDSA"
	case Ed25519:
		return "Ed25519"
	case DSA:
		return "DSA"
	default:
		return "unknown"
	}
}

// A Scheme is what a signature's AlgorithmIdentifier means.
type Scheme struct {
	// Key is the kind of key that signs; RSA also for RSASSA-PSS.
	Key KeyKind
	// Hash is zero for Ed25519, which hashes in its own way.
	Hash crypto.Hash
	// PSS says that the signature is RSASSA-PSS, with a salt of SaltLength
	// octets and MGF1 by the same hash.
	PSS        bool
	SaltLength int
}

// Weak reports whether the scheme's hash is one for which collisions can be
// made: MD5 and SHA-1.
func (s Scheme) Weak() bool { return s.Hash == crypto.MD5 || s.Hash == crypto.SHA1 }

// String returns a word such as SHA256-RSA, SHA256-RSAPSS or Ed25519.
func (s Scheme) String() string {
	if s.Key == Ed25519 {
		return "Ed25519"
	}
	key := s.Key.String()
	if s.PSS {
		key = "RSAPSS"
	}
	return hashNames[s.Hash] + "-" + key
}

var hashNames = map[crypto.Hash]string{
	crypto.MD5: "MD5", crypto.SHA1: "SHA1", crypto.SHA224: "SHA224", crypto.SHA256: "SHA256", crypto.SHA384: "SHA384",
	crypto.SHA512: "SHA512", crypto.SHA512_224: "SHA512/224", crypto.SHA512_256: "SHA512/256",
}

// schemes are the signature algorithms but RSASSA-PSS.
var schemes = map[OID]Scheme{
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04": {Key: RSA, Hash: crypto.MD5},        // RFC 3279, 2.2.1
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05": {Key: RSA, Hash: crypto.SHA1},       // RFC 3279, 2.2.1
	"\x2b\x0e\x03\x02\x1d":                 {Key: RSA, Hash: crypto.SHA1},       // the same, by OIW
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e": {Key: RSA, Hash: crypto.SHA224},     // RFC 4055, 5
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b": {Key: RSA, Hash: crypto.SHA256},     // RFC 4055, 5
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c": {Key: RSA, Hash: crypto.SHA384},     // RFC 4055, 5
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d": {Key: RSA, Hash: crypto.SHA512},     // RFC 4055, 5
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0f": {Key: RSA, Hash: crypto.SHA512_224}, // RFC 8017, A.2.4
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x10": {Key: RSA, Hash: crypto.SHA512_256}, // RFC 8017, A.2.4
	"\x2a\x86\x48\xce\x3d\x04\x01":         {Key: ECDSA, Hash: crypto.SHA1},     // RFC 3279, 2.2.3
	"\x2a\x86\x48\xce\x3d\x04\x03\x01":     {Key: ECDSA, Hash: crypto.SHA224},   // RFC 5758, 3.2
	"\x2a\x86\x48\xce\x3d\x04\x03\x02":     {Key: ECDSA, Hash: crypto.SHA256},   // RFC 5758, 3.2
	"\x2a\x86\x48\xce\x3d\x04\x03\x03":     {Key: ECDSA, Hash: crypto.SHA384},   // RFC 5758, 3.2
	"\x2a\x86\x48\xce\x3d\x04\x03\x04":     {Key: ECDSA, Hash: crypto.SHA512},   // RFC 5758, 3.2
	"\x2a\x86\x48\xce\x38\x04\x03":         {Key: DSA, Hash: crypto.SHA1},       // RFC 3279, 2.2.2
	"\x60\x86\x48\x01\x65\x03\x04\x03\x01": {Key: DSA, Hash: crypto.SHA224},     // RFC 5758, 3.1
	"\x60\x86\x48\x01\x65\x03\x04\x03\x02": {Key: DSA, Hash: crypto.SHA256},     // RFC 5758, 3.1
	"\x2b\x65\x70":                         {Key: Ed25519},                      // RFC 8410, 3
}

// hashes are the hash algorithms that RSASSA-PSS may name (RFC 4055, 2.1).
var hashes = map[OID]crypto.Hash{
	"\x2b\x0e\x03\x02\x1a":                 crypto.SHA1,
	"\x60\x86\x48\x01\x65\x03\x04\x02\x04": crypto.SHA224,
	"\x60\x86\x48\x01\x65\x03\x04\x02\x01": crypto.SHA256,
	"\x60\x86\x48\x01\x65\x03\x04\x02\x02": crypto.SHA384,
	"\x60\x86\x48\x01\x65\x03\x04\x02\x03": crypto.SHA512,
}

const (
	oidPSS  OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" // id-RSASSA-PSS (RFC 4055, 3)
	oidMGF1 OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" // id-mgf1 (RFC 4055, 2.2)
)

// maxSalt bounds the salt of RSASSA-PSS, in octets: no key has room for more.
const maxSalt = MaxKeyBits / 8

// Scheme returns what a signature's algorithm means. The error says that it, or
// its parameters, are not known here.
func (a Algorithm) Scheme() (Scheme, error) {
	if a.OID == oidPSS {
		if a.Parameters == nil {
			// RFC 4055, 3.1: a signature's algorithm has them.
			return Scheme{}, fmt.Errorf("signature algorithm %s without parameters", a.OID)
		}
		return parsePSS(a.Parameters)
	}
	s, ok := schemes[a.OID]
	if !ok {
		return Scheme{}, fmt.Errorf("signature algorithm %s is not known", a.OID)
	}
	// RFC 4055, 5: NULL for RSA, and some leave it out. RFC 3279, 2.2.2 and
	// 2.2.3, RFC 5758, RFC 8410, 3: none for the others.
	if a.Parameters != nil && (s.Key != RSA || !a.null()) {
		return Scheme{}, fmt.Errorf("signature algorithm %s with parameters that it does not have", s)
	}
	return s, nil
}

// Name returns the scheme's word, or the OID with dots.
func (a Algorithm) Name() string {
	if s, err := a.Scheme(); err == nil {
		return s.String()
	}
	return a.OID.String()
}

// parsePSS reads RSASSA-PSS-params (RFC 4055, 3.1).
func parsePSS(parameters []byte) (Scheme, error) {
	s := Scheme{Key: RSA, Hash: crypto.SHA1, PSS: true, SaltLength: 20}
	content, err := readSequence(parameters, "RSASSA-PSS parameters")
	if err != nil {
		return Scheme{}, err
	}
	mask := crypto.SHA1
	var field cryptobyte.String
	if content.PeekASN1Tag(tag0Constructed) {
		if !content.ReadASN1(&field, tag0Constructed) {
			return Scheme{}, errMalformed("RSASSA-PSS parameters")
		}
		if s.Hash, err = readHash(field); err != nil {
			return Scheme{}, err
		}
	}
	if content.PeekASN1Tag(tag1Constructed) {
		if !content.ReadASN1(&field, tag1Constructed) {
			return Scheme{}, errMalformed("RSASSA-PSS parameters")
		}
		generator, ok := readAlgorithm(&field)
		if !ok || !field.Empty() || generator.OID != oidMGF1 {
			return Scheme{}, errMalformed("RSASSA-PSS mask generation function")
		}
		if mask, err = readHash(generator.Parameters); err != nil {
			return Scheme{}, err
		}
	}
	for _, number := range []struct {
		tag cbasn1.Tag
		out *int
	}{{tag2Constructed, &s.SaltLength}, {tag3Constructed, new(int)}} {
		if !content.PeekASN1Tag(number.tag) {
			continue
		}
		if !content.ReadASN1(&field, number.tag) || !field.ReadASN1Integer(number.out) || !field.Empty() ||
			number.tag == tag3Constructed && *number.out != 1 {
			return Scheme{}, errMalformed("RSASSA-PSS parameters")
		}
	}
	if !content.Empty() || s.SaltLength < 0 || s.SaltLength > maxSalt {
		return Scheme{}, errMalformed("RSASSA-PSS parameters")
	}
	// RFC 4055, 3.1, recommends one hash for both; nothing else is supported.
	if mask != s.Hash {
		return Scheme{}, fmt.Errorf("RSASSA-PSS with two hashes, %s and %s", hashNames[s.Hash], hashNames[mask])
	}
	return s, nil
}

// readHash reads a hash AlgorithmIdentifier, whose parameters are NULL or none
// (RFC 4055, 2.1).
func readHash(element []byte) (crypto.Hash, error) {
	a, err := ParseAlgorithm(element)
	if err != nil {
		return 0, err
	}
	h, ok := hashes[a.OID]
	if !ok || a.Parameters != nil && !a.null() {
		return 0, fmt.Errorf("hash algorithm %s is not known", a.OID)
	}
	return h, nil
}
