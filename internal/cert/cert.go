package cert

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/dn"
)

// The limits of a certificate.
const (
	// MaxSize is the largest certificate that is read, in bytes.
	MaxSize = 1 << 20
	// MaxExtensions bounds the extensions of a certificate.
	MaxExtensions = 256
	// MaxSerial is the longest serial number that conforms, in octets (RFC
	// 5280, 4.1.2.2). Longer ones are flagged.
	MaxSerial = 20
)

// A Certificate is one certificate as it stands in its encoding. It is not
// changed after Parse and may be used by several goroutines at once; its fields
// are for reading, and the slices point into the input.
type Certificate struct {
	// Raw is the whole certificate, DER; the others are parts of it, each a
	// whole element.
	Raw, RawTBS, RawIssuer, RawSubject, RawSPKI []byte

	// Version is 1, 2 or 3, or what else is written.
	Version int
	// SerialOctets are the content octets of the serial number, Serial is
	// its value.
	SerialOctets []byte
	Serial       *big.Int
	// Issuer and Subject are the names; empty where Flaws say that they
	// cannot be read.
	Issuer, Subject dn.Name
	// IssuerKey and SubjectKey are equal exactly where the names are the same
	// by RFC 5280, 7.1. A name that cannot be read is equal to itself only.
	IssuerKey, SubjectKey string
	// NotBefore and NotAfter frame the validity, both included; zero where
	// Flaws say that they cannot be read.
	NotBefore, NotAfter time.Time
	// Algorithm says how the certificate is signed, by the copy outside;
	// InnerAlgorithm is the signed copy. They must agree (RFC 5280, 4.1.1.2).
	Algorithm, InnerAlgorithm Algorithm
	// KeyAlgorithm is the algorithm of the subject's public key.
	KeyAlgorithm Algorithm
	// IssuerUniqueID and SubjectUniqueID are BIT STRING contents, with their
	// first octet, nil where there are none.
	IssuerUniqueID, SubjectUniqueID []byte
	// Extensions are in the order of the encoding.
	Extensions []Extension
	// Signature is the content of the signature's BIT STRING.
	Signature []byte
	// Flaws are what breaks RFC 5280 without being unreadable, in the order
	// in which it was found.
	Flaws []Flaw
}

// An Extension is one extension of a certificate.
type Extension = der.Extension

// An OID is an object identifier.
type OID = der.OID

// A Flaw is a rule of RFC 5280 that a certificate breaks.
type Flaw string

// The flaws. Extensions that cannot be read are not among them: Parse does not
// look into extensions.
const (
	FlawVersion             Flaw = "version"               // not 1, 2 or 3, or the default written out (4.1.2.1)
	FlawVersionFields       Flaw = "fields-of-later"       // fields of a later version than the certificate says (4.1.2.8, 4.1.2.9)
	FlawSerialNegative      Flaw = "serial-negative"       // 4.1.2.2
	FlawSerialZero          Flaw = "serial-zero"           // 4.1.2.2
	FlawSerialLong          Flaw = "serial-long"           // more than MaxSerial octets (4.1.2.2)
	FlawSerialPadded        Flaw = "serial-padded"         // not the shortest form (X.690, 8.3.2)
	FlawAlgorithmsDiffer    Flaw = "algorithms-differ"     // 4.1.1.2
	FlawIssuer              Flaw = "issuer-unreadable"     // 4.1.2.4
	FlawIssuerEmpty         Flaw = "issuer-empty"          // 4.1.2.4
	FlawSubject             Flaw = "subject-unreadable"    // 4.1.2.6
	FlawNotBefore           Flaw = "not-before-unreadable" // 4.1.2.5
	FlawNotAfter            Flaw = "not-after-unreadable"  // 4.1.2.5
	FlawTimeType            Flaw = "time-type"             // GeneralizedTime for a year before 2050 (4.1.2.5)
	FlawExtensions          Flaw = "extensions-unreadable" // 4.1.2.9; ParseLoosely alone returns it
	FlawExtensionsEmpty     Flaw = "extensions-empty"      // 4.1.2.9
	FlawDuplicateExtension  Flaw = "extension-twice"       // 4.2
	FlawSignatureUnusedBits Flaw = "signature-unused-bits" // a signature is whole octets
)

// Has reports whether the certificate has a flaw.
func (c *Certificate) Has(f Flaw) bool { return slices.Contains(c.Flaws, f) }

// flaw notes a flaw once.
func (c *Certificate) flaw(f Flaw) {
	if !c.Has(f) {
		c.Flaws = append(c.Flaws, f)
	}
}

// Extension returns the first extension with an OID.
func (c *Certificate) Extension(oid OID) (Extension, bool) {
	for _, e := range c.Extensions {
		if e.OID == oid {
			return e, true
		}
	}
	return Extension{}, false
}

// SelfIssued reports whether issuer and subject are the same name (RFC 5280,
// 3.2), which says nothing about the key. An empty name is nobody's.
func (c *Certificate) SelfIssued() bool {
	return c.SubjectKey == c.IssuerKey && !bytes.Equal(c.RawSubject, emptyName)
}

// emptyName is the encoding of a name without attributes.
var emptyName = []byte{0x30, 0}

// errMalformed is the error for a part that is not as RFC 5280 has it.
type errMalformed string

func (e errMalformed) Error() string { return "malformed " + string(e) }

// Parse reads one certificate, DER, which it keeps. The error says which part
// is not DER or not there; what breaks other rules is in Flaws.
func Parse(encoded []byte) (*Certificate, error) {
	return parse(encoded, (*Certificate).parseRest)
}

// ParseLoosely reads a certificate to show and to keep it, never to decide by it:
// where what stands behind the key cannot be read, it comes without extensions and
// with FlawExtensions.
func ParseLoosely(encoded []byte) (*Certificate, error) {
	if c, err := Parse(encoded); err == nil {
		return c, nil
	}
	return parse(encoded, func(c *Certificate, _ cryptobyte.String) error {
		c.flaw(FlawExtensions)
		return nil
	})
}

// A rest reads what stands behind the key.
type rest func(*Certificate, cryptobyte.String) error

func parse(encoded []byte, behind rest) (*Certificate, error) {
	c := &Certificate{Raw: encoded}
	if len(encoded) > MaxSize {
		return nil, fmt.Errorf("certificate: %d bytes, more than %d", len(encoded), MaxSize)
	}
	if err := c.parse(encoded, behind); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return c, nil
}

// parse reads a Certificate (RFC 5280, 4.1).
func (c *Certificate) parse(input cryptobyte.String, behind rest) error {
	var outer, tbs, content cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) {
		return errors.New("no DER, or cut short")
	}
	if !input.Empty() {
		return fmt.Errorf("%d bytes behind its end", len(input))
	}
	if !outer.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return errMalformed("tbsCertificate")
	}
	c.RawTBS = tbs
	var ok bool
	if c.Algorithm, ok = readAlgorithm(&outer); !ok {
		return errMalformed("signatureAlgorithm")
	}
	if !outer.ReadASN1(&content, cbasn1.BIT_STRING) || !outer.Empty() || !wholeBits(content) {
		return errMalformed("signatureValue")
	}
	if c.Signature = content[1:]; content[0] != 0 {
		c.flaw(FlawSignatureUnusedBits)
	}
	return c.parseTBS(tbs, behind)
}

// wholeBits reports whether content is that of a BIT STRING (X.690, 8.6.2 and
// 11.2.1).
func wholeBits(content []byte) bool {
	if len(content) == 0 || content[0] > 7 || len(content) == 1 && content[0] != 0 {
		return false
	}
	return content[len(content)-1]&(1<<content[0]-1) == 0
}

// parseTBS reads a TBSCertificate (RFC 5280, 4.1.2).
func (c *Certificate) parseTBS(element cryptobyte.String, behind rest) error {
	var tbs, issuer, subject cryptobyte.String
	if !element.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return errMalformed("tbsCertificate")
	}
	if err := c.parseVersion(&tbs); err != nil {
		return err
	}
	if err := c.parseSerial(&tbs); err != nil {
		return err
	}
	var ok bool
	if c.InnerAlgorithm, ok = readAlgorithm(&tbs); !ok {
		return errMalformed("signature")
	}
	if !bytes.Equal(c.InnerAlgorithm.Raw, c.Algorithm.Raw) {
		c.flaw(FlawAlgorithmsDiffer)
	}
	if !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) {
		return errMalformed("issuer")
	}
	c.RawIssuer = issuer
	if err := c.parseValidity(&tbs); err != nil {
		return err
	}
	if !tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) {
		return errMalformed("subject")
	}
	c.RawSubject = subject
	c.parseNames()
	if err := c.parseKey(&tbs); err != nil {
		return err
	}
	return behind(c, tbs)
}

// parseVersion reads the version, which is left out for version 1.
func (c *Certificate) parseVersion(tbs *cryptobyte.String) error {
	c.Version = 1
	var (
		explicit cryptobyte.String
		present  bool
	)
	if !tbs.ReadOptionalASN1(&explicit, &present, tag0Constructed) {
		return errMalformed("version")
	}
	if !present {
		return nil
	}
	var version int32
	if !explicit.ReadASN1Integer(&version) || !explicit.Empty() {
		return errMalformed("version")
	}
	c.Version = int(version) + 1
	if version != 1 && version != 2 {
		c.flaw(FlawVersion)
	}
	return nil
}

// parseSerial reads the serial number.
func (c *Certificate) parseSerial(tbs *cryptobyte.String) error {
	var content cryptobyte.String
	if !tbs.ReadASN1(&content, cbasn1.INTEGER) || len(content) == 0 {
		return errMalformed("serialNumber")
	}
	c.SerialOctets, c.Serial = content, signed(content)
	if !der.Minimal(content) {
		c.flaw(FlawSerialPadded)
	}
	switch c.Serial.Sign() {
	case -1:
		c.flaw(FlawSerialNegative)
	case 0:
		c.flaw(FlawSerialZero)
	}
	if len(content) > MaxSerial {
		c.flaw(FlawSerialLong)
	}
	return nil
}

// signed returns the value of an INTEGER's content octets.
func signed(content []byte) *big.Int {
	n := new(big.Int).SetBytes(content)
	if content[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(content))))
	}
	return n
}

// parseValidity reads the two dates.
func (c *Certificate) parseValidity(tbs *cryptobyte.String) error {
	var validity cryptobyte.String
	if !tbs.ReadASN1(&validity, cbasn1.SEQUENCE) {
		return errMalformed("validity")
	}
	for _, date := range []struct {
		out        *time.Time
		unreadable Flaw
	}{{&c.NotBefore, FlawNotBefore}, {&c.NotAfter, FlawNotAfter}} {
		var (
			element cryptobyte.String
			tag     cbasn1.Tag
			ok      bool
		)
		if !validity.ReadAnyASN1Element(&element, &tag) {
			return errMalformed("validity")
		}
		if *date.out, ok = der.ReadTime(&element); !ok {
			c.flaw(date.unreadable)
		} else if tag == cbasn1.GeneralizedTime && date.out.Year() < 2050 {
			c.flaw(FlawTimeType)
		}
	}
	if !validity.Empty() {
		return errMalformed("validity")
	}
	return nil
}

// parseNames reads issuer and subject.
func (c *Certificate) parseNames() {
	var err error
	if c.Issuer, err = dn.FromDER(c.RawIssuer); err != nil {
		c.flaw(FlawIssuer)
	} else if c.Issuer.IsEmpty() {
		c.flaw(FlawIssuerEmpty)
	}
	c.IssuerKey = nameKey(c.Issuer, c.RawIssuer, err)
	if bytes.Equal(c.RawSubject, c.RawIssuer) {
		c.Subject, c.SubjectKey = c.Issuer, c.IssuerKey
	} else {
		c.Subject, err = dn.FromDER(c.RawSubject)
		c.SubjectKey = nameKey(c.Subject, c.RawSubject, err)
	}
	if err != nil {
		c.flaw(FlawSubject)
	}
}

// NameKey returns what IssuerKey and SubjectKey hold for a name's encoding.
func NameKey(raw []byte) string {
	name, err := dn.FromDER(raw)
	return nameKey(name, raw, err)
}

func nameKey(name dn.Name, raw []byte, err error) string {
	if err != nil {
		return "#" + string(raw)
	}
	return "=" + name.Key()
}

// parseKey reads subjectPublicKeyInfo as far as its algorithm.
func (c *Certificate) parseKey(tbs *cryptobyte.String) error {
	var spki, content cryptobyte.String
	if !tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return errMalformed("subjectPublicKeyInfo")
	}
	c.RawSPKI = spki
	var ok bool
	if !spki.ReadASN1(&content, cbasn1.SEQUENCE) {
		return errMalformed("subjectPublicKeyInfo")
	}
	if c.KeyAlgorithm, ok = readAlgorithm(&content); !ok || !content.SkipASN1(cbasn1.BIT_STRING) || !content.Empty() {
		return errMalformed("subjectPublicKeyInfo")
	}
	return nil
}

// parseRest reads what only later versions have.
func (c *Certificate) parseRest(tbs cryptobyte.String) error {
	for _, id := range []struct {
		out *[]byte
		tag cbasn1.Tag
	}{{&c.IssuerUniqueID, tag1}, {&c.SubjectUniqueID, tag2}} {
		var (
			content cryptobyte.String
			present bool
		)
		if !tbs.ReadOptionalASN1(&content, &present, id.tag) {
			return errMalformed("unique identifier")
		}
		if !present {
			continue
		}
		if *id.out = content; c.Version < 2 {
			c.flaw(FlawVersionFields)
		}
	}
	if tbs.Empty() {
		return nil
	}
	var explicit, extensions cryptobyte.String
	if !tbs.ReadASN1(&explicit, tag3Constructed) || !tbs.Empty() ||
		!explicit.ReadASN1(&extensions, cbasn1.SEQUENCE) || !explicit.Empty() {
		return errMalformed("extensions")
	}
	if c.Version < 3 {
		c.flaw(FlawVersionFields)
	}
	return c.parseExtensions(extensions)
}

// parseExtensions reads the extensions (RFC 5280, 4.1.2.9).
func (c *Certificate) parseExtensions(extensions cryptobyte.String) error {
	if extensions.Empty() {
		c.flaw(FlawExtensionsEmpty)
	}
	for !extensions.Empty() {
		e, ok := der.ReadExtension(&extensions)
		if !ok {
			return fmt.Errorf("extension %d: %w", len(c.Extensions)+1, errMalformed("element"))
		}
		if len(c.Extensions) == MaxExtensions {
			return fmt.Errorf("more than %d extensions", MaxExtensions)
		}
		if _, twice := c.Extension(e.OID); twice {
			c.flaw(FlawDuplicateExtension)
		}
		c.Extensions = append(c.Extensions, e)
	}
	return nil
}
