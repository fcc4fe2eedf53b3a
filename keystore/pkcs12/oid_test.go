package pkcs12

import (
	"testing"

	"keyman/internal/der"
)

// TestIdentifiers compares the identifiers with what they are as people write them.
func TestIdentifiers(t *testing.T) {
	for dotted, id := range map[string]der.OID{
		"1.2.840.113549.1.7.1":         oidData,
		"1.2.840.113549.1.7.6":         oidEncryptedData,
		"1.2.840.113549.1.12.10.1.1":   oidKeyBag,
		"1.2.840.113549.1.12.10.1.2":   oidPKCS8ShroudedKeyBag,
		"1.2.840.113549.1.12.10.1.3":   oidCertBag,
		"1.2.840.113549.1.12.10.1.4":   oidCRLBag,
		"1.2.840.113549.1.12.10.1.5":   oidSecretBag,
		"1.2.840.113549.1.12.10.1.6":   oidSafeContentsBag,
		"1.2.840.113549.1.9.22.1":      oidX509Certificate,
		"1.2.840.113549.1.9.20":        oidFriendlyName,
		"1.2.840.113549.1.9.21":        oidLocalKeyID,
		"2.16.840.1.113894.746875.1.1": oidTrustedKeyUsage,
		"1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.1": oidRequest,
		"1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188.2": oidDefault,
		"2.25.73201415907794326439693395175170725708.1":                             oidFirstRequest,
		"2.25.73201415907794326439693395175170725708.2":                             oidFirstDefault,
		"2.5.29.37.0": der.OID(anyUsage[2:]),
	} {
		if want := oid(dotted); id != want {
			t.Errorf("%s is written %x, want %x", dotted, string(id), string(want))
		}
	}
}
