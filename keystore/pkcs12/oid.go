package pkcs12

import "crypto/x509"

// x509.OID holds identifiers of any size, encoding/asn1 does not.
var (
	oidData          = oid("1.2.840.113549.1.7.1")
	oidEncryptedData = oid("1.2.840.113549.1.7.6")

	oidKeyBag              = oid("1.2.840.113549.1.12.10.1.1")
	oidPKCS8ShroudedKeyBag = oid("1.2.840.113549.1.12.10.1.2")
	oidCertBag             = oid("1.2.840.113549.1.12.10.1.3")
	oidCRLBag              = oid("1.2.840.113549.1.12.10.1.4")
	oidSecretBag           = oid("1.2.840.113549.1.12.10.1.5")
	oidSafeContentsBag     = oid("1.2.840.113549.1.12.10.1.6")
	oidX509Certificate     = oid("1.2.840.113549.1.9.22.1")

	oidFriendlyName    = oid("1.2.840.113549.1.9.20")
	oidLocalKeyID      = oid("1.2.840.113549.1.9.21")
	oidTrustedKeyUsage = oid("2.16.840.1.113894.746875.1.1")
	oidAnyKeyUsage     = oid("2.5.29.37.0")

	// keyman's own; see doc.go.
	oidRequest = oid("1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.1")
	oidDefault = oid("1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.2")
	// The same as they were written first.
	oidFirstRequest = oid("2.25.73201415907794326439693395175170725708.1")
	oidFirstDefault = oid("2.25.73201415907794326439693395175170725708.2")
)

// oid parses an identifier of this file.
func oid(dotted string) x509.OID {
	id, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	return id
}
