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

// readerOf returns the reader of an extension that is told in words, by its
// identifier; nil for another one.
func readerOf(id string) reader {
	switch id {
	case oids.SubjectDirectoryAttributes:
		return readDirectoryAttributes
	case oids.SubjectKeyIdentifier:
		return readSubjectKeyID
	case oids.KeyUsage:
		return readKeyUsage
	case oids.PrivateKeyUsagePeriod:
		return readKeyPeriod
	case oids.SubjectAltName:
		return readAltName
	case oids.IssuerAltName:
		return readAltName
	case oids.BasicConstraints:
		return readBasicConstraints
	case oids.NameConstraints:
		return readNameConstraints
	case oids.CRLDistributionPoints:
		return readPoints
	case oids.CertificatePolicies:
		return readPolicies
	case oids.PolicyMappings:
		return readPolicyMappings
	case oids.AuthorityKeyIdentifier:
		return readAuthorityKeyID
	case oids.PolicyConstraints:
		return readPolicyConstraints
	case oids.ExtKeyUsage:
		return readPurposes
	case oids.FreshestCRL:
		return readPoints
	case oids.InhibitAnyPolicy:
		return readInhibitAnyPolicy
	case oids.NoRevocationAvailable:
		return readNull
	case oids.AuthorityInfoAccess:
		return readAccess
	case oids.SubjectInfoAccess:
		return readAccess
	case oids.QCStatements:
		return readStatements
	case oids.TLSFeature:
		return readTLSFeature
	case oids.OCSPNoCheck:
		return readNull
	case oids.CTPoison:
		return readNull
	case oids.SCTList:
		return readSCTs
	case oids.MSTemplateName:
		return readString
	case oids.MSTemplate:
		return readTemplate
	case oids.MSCAVersion:
		return readCAVersion
	case oids.MSPreviousCAHash:
		return readSubjectKeyID
	case oids.MSApplicationPolicies:
		return readPolicies
	case oids.MSNTDSCASecurity:
		return readNTDS
	case oids.NetscapeCertType:
		return readNetscapeType
	case oids.NetscapeBaseURL:
		return readString
	case oids.NetscapeRevocationURL:
		return readString
	case oids.NetscapeCARevocationURL:
		return readString
	case oids.NetscapeRenewalURL:
		return readString
	case oids.NetscapeCAPolicyURL:
		return readString
	case oids.NetscapeSSLServerName:
		return readString
	case oids.NetscapeComment:
		return readString
	case oids.EntrustVersion:
		return readEntrust
	default:
		return nil
	}
}

// describe puts an extension into words.
func describe(e cert.Extension) Extension {
	id := e.OID.String()
	shown := Extension{OID: id, Critical: e.Critical, Length: len(e.Value)}
	if name := oids.ExtensionName(id); name != id {
		shown.Name = name
	}
	if read := readerOf(id); read != nil {
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
