package dn

import (
	"fmt"
	"strconv"
	"strings"
)

// The attribute types that the code itself knows something about.
const (
	oidCommonName      = "2.5.4.3"
	oidSurname         = "2.5.4.4"
	oidSerialNumber    = "2.5.4.5"
	oidCountry         = "2.5.4.6"
	oidOrganization    = "2.5.4.10"
	oidUnit            = "2.5.4.11"
	oidDNQualifier     = "2.5.4.46"
	oidDomainComponent = "0.9.2342.19200300.100.1.25"
	oidEmailAddress    = "1.2.840.113549.1.9.1"
)

// The encodings of two of them; those of the others all begin alike.
const (
	derDomainComponent = "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"
	derEmailAddress    = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
)

// attributeType is what is known of an attribute type.
type attributeType struct {
	oid  string
	name string // as printed
	also []string
	max  int // upper bound in characters (RFC 5280, A.1; PKCS #9); 0 is none
}

// attributeTypes are the types that have names. SN and S are left out on
// purpose: see ambiguous.
var attributeTypes = []attributeType{
	{oid: oidCountry, name: "C", also: []string{"countryName"}, max: 2},
	{oid: "2.5.4.8", name: "ST", also: []string{"SP", "stateOrProvinceName"}, max: 128},
	{oid: "2.5.4.7", name: "L", also: []string{"localityName"}, max: 128},
	{oid: oidOrganization, name: "O", also: []string{"organizationName"}, max: 64},
	{oid: oidUnit, name: "OU", also: []string{"organizationalUnitName"}, max: 64},
	{oid: oidCommonName, name: "CN", also: []string{"commonName"}, max: 64},
	{oid: oidDomainComponent, name: "DC", also: []string{"domainComponent"}},
	{oid: "0.9.2342.19200300.100.1.1", name: "UID", also: []string{"userId"}, max: 256},
	{oid: oidEmailAddress, name: "emailAddress", also: []string{"E", "Email"}, max: 255},
	{oid: oidSurname, name: "surname", max: 32768},
	{oid: oidSerialNumber, name: "serialNumber", max: 64},
	{oid: oidDNQualifier, name: "dnQualifier"},
	{oid: "2.5.4.12", name: "title", also: []string{"T"}, max: 64},
	{oid: "2.5.4.9", name: "street", also: []string{"streetAddress"}, max: 128},
	{oid: "2.5.4.17", name: "postalCode", max: 40},
	{oid: "2.5.4.13", name: "description", max: 1024},
	{oid: "2.5.4.41", name: "name", max: 32768},
	{oid: "2.5.4.42", name: "givenName", also: []string{"GN", "G"}, max: 32768},
	{oid: "2.5.4.43", name: "initials", max: 32768},
	{oid: "2.5.4.44", name: "generationQualifier", max: 32768},
	{oid: "2.5.4.65", name: "pseudonym", max: 128},
	{oid: "2.5.4.97", name: "organizationIdentifier"},
	{oid: "1.2.840.113549.1.9.2", name: "unstructuredName", also: []string{"UN"}, max: 255},
	{oid: "1.2.840.113549.1.9.8", name: "unstructuredAddress", also: []string{"UA"}, max: 255},
}

// ambiguous are short names that mean different things to different programs.
// Guessing would put the wrong attribute into a certificate.
var ambiguous = map[string]string{
	"sn": "surname (RFC 4519) or serialNumber (strongSwan)",
	"s":  "ST (Windows) or surname (strongSwan)",
}

// typeByOID returns what is known of a type; the zero value for an unknown one.
func typeByOID(oid string) attributeType {
	for _, t := range attributeTypes {
		if t.oid == oid {
			return t
		}
	}
	return attributeType{oid: oid}
}

// typeByDER returns the type with a name here that is encoded so.
func typeByDER(content []byte) (attributeType, bool) {
	var dotted []byte
	switch {
	case string(content) == derDomainComponent:
		dotted = []byte(oidDomainComponent)
	case string(content) == derEmailAddress:
		dotted = []byte(oidEmailAddress)
	case len(content) == 3 && content[0] == 0x55 && content[1] == 0x04 && content[2] < 0x80: // id-at
		dotted = strconv.AppendUint(append(make([]byte, 0, 16), "2.5.4."...), uint64(content[2]), 10)
	}
	for _, t := range attributeTypes {
		if t.oid == string(dotted) {
			return t, true
		}
	}
	return attributeType{}, false
}

// String returns the name of the type, or the dotted OID where it has none.
func (t attributeType) String() string {
	if t.name == "" {
		return t.oid
	}
	return t.name
}

// oidByText returns the dotted OID for a type as people write it: a name in any
// case, an OID, or an OID after "OID.".
func oidByText(text string) (string, error) {
	for _, t := range attributeTypes {
		if strings.EqualFold(t.name, text) {
			return t.oid, nil
		}
		for _, name := range t.also {
			if strings.EqualFold(name, text) {
				return t.oid, nil
			}
		}
	}
	if meanings, ok := ambiguous[strings.ToLower(text)]; ok {
		return "", fmt.Errorf("attribute type %.100q is ambiguous: write %s", text, meanings)
	}
	dotted := text
	if len(dotted) > 4 && strings.EqualFold(dotted[:4], "OID.") {
		dotted = dotted[4:]
	}
	if text == "" {
		return "", fmt.Errorf("an attribute type is missing before %q", "=")
	}
	if _, err := parseOID(dotted); err != nil {
		return "", fmt.Errorf("attribute type %.100q is not known: use a name such as CN, or a dotted OID", text)
	}
	return dotted, nil
}
