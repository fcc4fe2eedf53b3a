package cert

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/oids"
)

// The extensions of certificates (RFC 5280, 4.2).
const (
	OIDSubjectKeyID         OID = "\x55\x1d\x0e"                     // 2.5.29.14
	OIDKeyUsage             OID = "\x55\x1d\x0f"                     // 2.5.29.15
	OIDSubjectAltName       OID = "\x55\x1d\x11"                     // 2.5.29.17
	OIDIssuerAltName        OID = "\x55\x1d\x12"                     // 2.5.29.18
	OIDBasicConstraints     OID = "\x55\x1d\x13"                     // 2.5.29.19
	OIDNameConstraints      OID = "\x55\x1d\x1e"                     // 2.5.29.30
	OIDCRLPoints            OID = "\x55\x1d\x1f"                     // 2.5.29.31
	OIDPolicies             OID = "\x55\x1d\x20"                     // 2.5.29.32
	OIDPolicyMappings       OID = "\x55\x1d\x21"                     // 2.5.29.33
	OIDAuthorityKeyID       OID = "\x55\x1d\x23"                     // 2.5.29.35
	OIDPolicyConstraints    OID = "\x55\x1d\x24"                     // 2.5.29.36
	OIDExtKeyUsage          OID = "\x55\x1d\x25"                     // 2.5.29.37
	OIDFreshestCRL          OID = "\x55\x1d\x2e"                     // 2.5.29.46
	OIDInhibitAnyPolicy     OID = "\x55\x1d\x36"                     // 2.5.29.54
	OIDAuthorityInfoAccess  OID = "\x2b\x06\x01\x05\x05\x07\x01\x01" // 1.3.6.1.5.5.7.1.1
	OIDSubjectInfoAccess    OID = "\x2b\x06\x01\x05\x05\x07\x01\x0b" // 1.3.6.1.5.5.7.1.11
	OIDAnyExtKeyUsage       OID = "\x55\x1d\x25\x00"                 // 2.5.29.37.0
	OIDUsageServerAuth      OID = "\x2b\x06\x01\x05\x05\x07\x03\x01" // 1.3.6.1.5.5.7.3.1
	OIDUsageClientAuth      OID = "\x2b\x06\x01\x05\x05\x07\x03\x02" // 1.3.6.1.5.5.7.3.2
	OIDUsageIPsecEndSystem  OID = "\x2b\x06\x01\x05\x05\x07\x03\x05" // 1.3.6.1.5.5.7.3.5
	OIDUsageIPsecTunnel     OID = "\x2b\x06\x01\x05\x05\x07\x03\x06" // 1.3.6.1.5.5.7.3.6
	OIDUsageIPsecUser       OID = "\x2b\x06\x01\x05\x05\x07\x03\x07" // 1.3.6.1.5.5.7.3.7
	OIDUsageIPsecIKE        OID = "\x2b\x06\x01\x05\x05\x07\x03\x11" // 1.3.6.1.5.5.7.3.17
	OIDUsageIKEIntermediate OID = "\x2b\x06\x01\x05\x05\x08\x02\x02" // 1.3.6.1.5.5.8.2.2
)

// MaxNumber is what larger numbers of certificates in an extension are cut to:
// no path is as long.
const MaxNumber = 1 << 20

// BasicConstraints say whether a certificate is a CA's (RFC 5280, 4.2.1.9).
type BasicConstraints struct {
	CA bool
	// MaxPathLen is how many certificates may follow that are not
	// self-issued, the last one not counted; nil is any number.
	MaxPathLen *int
}

// ParseBasicConstraints reads the value of a basic constraints extension.
func ParseBasicConstraints(value []byte) (BasicConstraints, error) {
	var b BasicConstraints
	content, err := readSequence(value, "basic constraints")
	if err != nil {
		return b, err
	}
	if content.PeekASN1Tag(cbasn1.BOOLEAN) && !der.ReadBool(&content, cbasn1.BOOLEAN, &b.CA) {
		return b, errMalformed("basic constraints")
	}
	if content.PeekASN1Tag(cbasn1.INTEGER) {
		if b.MaxPathLen, err = readNumber(&content, cbasn1.INTEGER); err != nil {
			return b, err
		}
	}
	if !content.Empty() {
		return b, errMalformed("basic constraints")
	}
	return b, nil
}

// readNumber reads a number of certificates, INTEGER (0..MAX), with a tag of its
// own.
func readNumber(s *cryptobyte.String, tag cbasn1.Tag) (*int, error) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, tag) || !der.Minimal(content) || content[0]&0x80 != 0 {
		return nil, errMalformed("number of certificates")
	}
	n := 0
	for _, octet := range content {
		if n = n<<8 | int(octet); n > MaxNumber {
			n = MaxNumber
			break
		}
	}
	return &n, nil
}

// KeyUsage says what a key may be used for (RFC 5280, 4.2.1.3).
type KeyUsage uint16

// The bits of KeyUsage.
const (
	DigitalSignature KeyUsage = 1 << iota
	ContentCommitment
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	KeyCertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

// Names returns the words of RFC 5280 for the bits that are set; bits that it
// does not name are written as bit(N).
func (u KeyUsage) Names() []string { return oids.KeyUsageWords(uint16(u)) }

// String returns the words of RFC 5280 with commas.
func (u KeyUsage) String() string { return strings.Join(u.Names(), ", ") }

// ParseKeyUsage reads the value of a key usage extension.
func ParseKeyUsage(value []byte) (KeyUsage, error) {
	input := cryptobyte.String(value)
	var content cryptobyte.String
	if !input.ReadASN1(&content, cbasn1.BIT_STRING) || !input.Empty() {
		return 0, errMalformed("key usage")
	}
	bits, ok := der.ReadBits(content)
	if !ok {
		return 0, errMalformed("key usage")
	}
	return KeyUsage(bits), nil
}

// ParseExtKeyUsage reads the value of an extended key usage extension (RFC 5280,
// 4.2.1.12), which names at least one purpose.
func ParseExtKeyUsage(value []byte) ([]OID, error) {
	content, err := readSequence(value, "extended key usage")
	if err != nil {
		return nil, err
	}
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("extended key usage")
	}
	purposes := make([]OID, n)
	for i := range purposes {
		if purposes[i], ok = der.ReadOID(&content); !ok {
			return nil, errMalformed("extended key usage")
		}
	}
	return purposes, nil
}

// ParseSubjectKeyID reads the value of a subject key identifier extension (RFC
// 5280, 4.2.1.2).
func ParseSubjectKeyID(value []byte) ([]byte, error) {
	input := cryptobyte.String(value)
	var content cryptobyte.String
	if !input.ReadASN1(&content, cbasn1.OCTET_STRING) || !input.Empty() {
		return nil, errMalformed("subject key identifier")
	}
	return content, nil
}

// An AuthorityKeyID says by which key a certificate or a list was signed (RFC
// 5280, 4.2.1.1). Each of its parts may be missing.
type AuthorityKeyID struct {
	KeyID  []byte
	Issuer []GeneralName
	// Serial are the content octets of authorityCertSerialNumber.
	Serial []byte
}

// ParseAuthorityKeyID reads the value of an authority key identifier extension.
func ParseAuthorityKeyID(value []byte) (AuthorityKeyID, error) {
	var a AuthorityKeyID
	content, err := readSequence(value, "authority key identifier")
	if err != nil {
		return a, err
	}
	var (
		id, names, serial           cryptobyte.String
		hasID, hasIssuer, hasSerial bool
	)
	if !content.ReadOptionalASN1(&id, &hasID, tag0) || !content.ReadOptionalASN1(&names, &hasIssuer, tag1Constructed) ||
		!content.ReadOptionalASN1(&serial, &hasSerial, tag2) || !content.Empty() || hasSerial && !der.Minimal(serial) {
		return a, errMalformed("authority key identifier")
	}
	if hasIssuer {
		if a.Issuer, err = readGeneralNames(names); err != nil {
			return a, fmt.Errorf("authority key identifier: %w", err)
		}
	}
	a.KeyID, a.Serial = id, serial
	return a, nil
}

// An AccessDescription says where something about a certificate's issuer is
// found (RFC 5280, 4.2.2.1).
type AccessDescription struct {
	Method   OID
	Location GeneralName
}

// The access methods of RFC 5280, 4.2.2.1.
const (
	OIDAccessOCSP      OID = "\x2b\x06\x01\x05\x05\x07\x30\x01" // 1.3.6.1.5.5.7.48.1
	OIDAccessCAIssuers OID = "\x2b\x06\x01\x05\x05\x07\x30\x02" // 1.3.6.1.5.5.7.48.2
)

// ParseAuthorityInfoAccess reads the value of an authority information access
// extension, and that of a subject information access extension, which has the
// same form.
func ParseAuthorityInfoAccess(value []byte) ([]AccessDescription, error) {
	content, err := readSequence(value, "information access")
	if err != nil {
		return nil, err
	}
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("information access")
	}
	all := make([]AccessDescription, n)
	for i := range all {
		var description cryptobyte.String
		if !content.ReadASN1(&description, cbasn1.SEQUENCE) {
			return nil, errMalformed("information access")
		}
		if all[i].Method, ok = der.ReadOID(&description); !ok {
			return nil, errMalformed("information access")
		}
		if all[i].Location, ok = readGeneralName(&description); !ok || !description.Empty() {
			return nil, errMalformed("information access")
		}
	}
	return all, nil
}
