package certinfo

import (
	"crypto/sha256"
	"encoding/hex"

	"keyman/internal/cert"
	"keyman/internal/oids"
)

// Extension is an extension in words.
type Extension struct {
	OID string `json:"oid"`
	// Name is "" where the extension is not known.
	Name     string `json:"name,omitempty"`
	Critical bool   `json:"critical"`
	// Values are empty where the value cannot be read, or is not known.
	Values []Value `json:"values,omitempty"`
	// Error tells why the value is not told in words.
	Error string `json:"error,omitempty"`
	// Length is that of the value in octets, and Hex its beginning, where it
	// is not told in words.
	Length int    `json:"length"`
	Hex    string `json:"hex,omitempty"`
	// SHA256 is the hash of the value, where Hex does not have all of it.
	SHA256 string `json:"sha256,omitempty"`
}

// Value is one thing that an extension says.
type Value struct {
	Text    string   `json:"text"`
	Details []string `json:"details,omitempty"`
}

// values makes Values without details.
func values(texts ...string) []Value {
	list := make([]Value, len(texts))
	for i, text := range texts {
		list[i].Text = text
	}
	return list
}

// A reader puts the value of one kind of extension into words.
type reader func(value []byte) ([]Value, error)

// readers are the extensions that are told in words, by their identifiers.
var readers = map[string]reader{
	oids.SubjectDirectoryAttributes: readDirectoryAttributes,
	oids.SubjectKeyIdentifier:       readSubjectKeyID,
	oids.KeyUsage:                   readKeyUsage,
	oids.PrivateKeyUsagePeriod:      readKeyPeriod,
	oids.SubjectAltName:             readAltName,
	oids.IssuerAltName:              readAltName,
	oids.BasicConstraints:           readBasicConstraints,
	oids.NameConstraints:            readNameConstraints,
	oids.CRLDistributionPoints:      readPoints,
	oids.CertificatePolicies:        readPolicies,
	oids.PolicyMappings:             readPolicyMappings,
	oids.AuthorityKeyIdentifier:     readAuthorityKeyID,
	oids.PolicyConstraints:          readPolicyConstraints,
	oids.ExtKeyUsage:                readPurposes,
	oids.FreshestCRL:                readPoints,
	oids.InhibitAnyPolicy:           readInhibitAnyPolicy,
	oids.NoRevocationAvailable:      readNull,
	oids.AuthorityInfoAccess:        readAccess,
	oids.SubjectInfoAccess:          readAccess,
	oids.QCStatements:               readStatements,
	oids.TLSFeature:                 readTLSFeature,
	oids.OCSPNoCheck:                readNull,
	oids.CTPoison:                   readNull,
	oids.SCTList:                    readSCTs,
	oids.MSTemplateName:             readString,
	oids.MSTemplate:                 readTemplate,
	oids.MSCAVersion:                readCAVersion,
	oids.MSPreviousCAHash:           readSubjectKeyID,
	oids.MSApplicationPolicies:      readPolicies,
	oids.MSNTDSCASecurity:           readNTDS,
	oids.NetscapeCertType:           readNetscapeType,
	oids.NetscapeBaseURL:            readString,
	oids.NetscapeRevocationURL:      readString,
	oids.NetscapeCARevocationURL:    readString,
	oids.NetscapeRenewalURL:         readString,
	oids.NetscapeCAPolicyURL:        readString,
	oids.NetscapeSSLServerName:      readString,
	oids.NetscapeComment:            readString,
	oids.EntrustVersion:             readEntrust,
}

// describe puts an extension into words.
func describe(e cert.Extension) Extension {
	id := e.OID.String()
	shown := Extension{OID: id, Critical: e.Critical, Length: len(e.Value)}
	if name := oids.ExtensionName(id); name != id {
		shown.Name = name
	}
	if read, ok := readers[id]; ok {
		list, err := read(e.Value)
		if err == nil {
			shown.Values = list
			return shown
		}
		shown.Error = "cannot be read: " + err.Error()
	}
	shown.Hex = hex.EncodeToString(e.Value[:min(len(e.Value), maxHex)])
	if len(e.Value) > maxHex {
		sum := sha256.Sum256(e.Value)
		shown.SHA256 = Colons(sum[:])
	}
	return shown
}
