package pkcs12

import "keyman/internal/der"

// The identifiers of this package, as they are encoded.
const (
	oidData          der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" // 1.2.840.113549.1.7.1
	oidEncryptedData der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06" // 1.2.840.113549.1.7.6

	oidKeyBag              der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01" // 1.2.840.113549.1.12.10.1.1
	oidPKCS8ShroudedKeyBag der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02" // 1.2.840.113549.1.12.10.1.2
	oidCertBag             der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03" // 1.2.840.113549.1.12.10.1.3
	oidCRLBag              der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x04" // 1.2.840.113549.1.12.10.1.4
	oidSecretBag           der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x05" // 1.2.840.113549.1.12.10.1.5
	oidSafeContentsBag     der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x06" // 1.2.840.113549.1.12.10.1.6
	oidX509Certificate     der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"     // 1.2.840.113549.1.9.22.1

	oidFriendlyName    der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"             // 1.2.840.113549.1.9.20
	oidLocalKeyID      der.OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"             // 1.2.840.113549.1.9.21
	oidTrustedKeyUsage der.OID = "\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01" // 2.16.840.1.113894.746875.1.1

	// keyman's own; see doc.go.
	//
	// 1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.1
	oidRequest der.OID = "\x2a\x86\x48\x86\xf7\x14\x01\xbe\x40\x93\x7a\xee\x12\xa8\x73\x81\xed\x36\x81\x82\x5e\x82\xe7\x58\x83\xf5\x83\x0f\x82\x85\xae\x4c\x01"
	// 1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.2
	oidDefault der.OID = "\x2a\x86\x48\x86\xf7\x14\x01\xbe\x40\x93\x7a\xee\x12\xa8\x73\x81\xed\x36\x81\x82\x5e\x82\xe7\x58\x83\xf5\x83\x0f\x82\x85\xae\x4c\x02"
	// The same as they were written first.
	//
	// 2.25.73201415907794326439693395175170725708.1
	oidFirstRequest der.OID = "\x69\xee\x92\x8a\x9c\xee\xeb\xb2\x85\xbd\xb3\xec\x9f\xa8\x98\xfa\x85\xae\x4c\x01"
	// 2.25.73201415907794326439693395175170725708.2
	oidFirstDefault der.OID = "\x69\xee\x92\x8a\x9c\xee\xeb\xb2\x85\xbd\xb3\xec\x9f\xa8\x98\xfa\x85\xae\x4c\x02"
)

// anyUsage is the value of Java's attribute that trusts a CA for everything: the
// identifier 2.5.29.37.0 (RFC 5280, 4.2.1.12).
const anyUsage = "\x06\x04\x55\x1d\x25\x00"

// known returns an identifier of this package that is written so, which takes no
// memory of its own, unlike any other one.
func known(content []byte) (der.OID, bool) {
	for _, id := range [...]der.OID{
		oidData, oidEncryptedData, oidKeyBag, oidPKCS8ShroudedKeyBag, oidCertBag, oidSecretBag, oidX509Certificate,
		oidFriendlyName, oidLocalKeyID, oidTrustedKeyUsage,
	} {
		if string(content) == string(id) {
			return id, true
		}
	}
	return "", false
}
