package certpath

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/testpeer"
)

// fuzzOptions makes options out of a few bits.
func fuzzOptions(bits uint16, at int64) Options {
	o := Options{
		Time: time.Unix(at, 0).UTC(), Purpose: Purpose(bits & 3),
		RequireExplicitPolicy: bits&4 != 0, InhibitMapping: bits&8 != 0, InhibitAnyPolicy: bits&16 != 0, IgnoreCAPurposes: bits&32 != 0,
	}
	if bits&64 != 0 {
		o.Strength = Strength{AllowMD5: true, AllowSHA1: true, MinBits: 1, MinCurveBits: 1}
	}
	if bits&128 != 0 {
		o.InitialPolicies = []OID{"\x60\x86\x48\x01\x65\x03\x02\x01\x30\x01"} // NIST's first
	}
	return o
}

// FuzzValidate: certificates one behind the other, the anchor first and the leaf
// last, and any options. A path that is valid is made of the certificates, and
// stays valid with fewer demands; what is not valid says why.
func FuzzValidate(f *testing.F) {
	dir := filepath.Join(testpeer.Corpora(f), "pkits", "certs")
	for _, names := range [][]string{
		{"TrustAnchorRootCertificate", "GoodCACert", "ValidCertificatePathTest1EE"},
		{"TrustAnchorRootCertificate", "DSACACert", "DSAParametersInheritedCACert", "ValidDSAParameterInheritanceTest5EE"},
		{"TrustAnchorRootCertificate", "P12Mapping1to3CACert", "P12Mapping1to3subCACert", "P12Mapping1to3subsubCACert", "ValidPolicyMappingTest3EE"},
		{"TrustAnchorRootCertificate", "nameConstraintsDN1CACert", "nameConstraintsDN1subCA1Cert", "InvalidDNnameConstraintsTest12EE"},
		{"TrustAnchorRootCertificate", "nameConstraintsURI1CACert", "ValidURInameConstraintsTest34EE"},
		{"TrustAnchorRootCertificate", "inhibitAnyPolicy1CACert", "inhibitAnyPolicy1SelfIssuedCACert", "inhibitAnyPolicy1subCA2Cert", "ValidSelfIssuedinhibitAnyPolicyTest7EE"},
	} {
		var all []byte
		for _, name := range names {
			der, err := os.ReadFile(filepath.Join(dir, name+".crt"))
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, der...)
		}
		for _, bits := range []uint16{0, 4, 0xff} {
			f.Add(all, bits, int64(1302825600))
		}
	}
	f.Fuzz(func(t *testing.T, all []byte, bits uint16, at int64) {
		var certs []*Certificate
		for rest := cryptobyte.String(all); len(certs) < 8; {
			var one cryptobyte.String
			if !rest.ReadASN1Element(&one, asn1.SEQUENCE) {
				break
			}
			c, err := ParseCertificate(one)
			if err != nil {
				return
			}
			certs = append(certs, c)
		}
		if len(certs) < 2 {
			return
		}
		anchor, err := AnchorOf(certs[0])
		if err != nil {
			return
		}
		leaf := certs[len(certs)-1]
		o := fuzzOptions(bits, at)
		o.Anchors, o.Intermediates = []*Anchor{anchor}, certs[1:len(certs)-1]
		p, err := Validate(t.Context(), leaf, o)
		var failed *Error
		switch {
		case o.Time.IsZero():
		case err == nil && (p.Certificates[0] != leaf || p.Anchor != anchor || len(p.Certificates) > len(certs) ||
			o.RequireExplicitPolicy && len(p.Policies) == 0):
			t.Fatalf("the path is %+v", p)
		case err != nil && (!errors.As(err, &failed) || len(failed.Attempts) == 0 || failed.Code() == "" || err.Error() == ""):
			t.Fatalf("no reason: %v", err)
		case err == nil:
			easier := fuzzOptions(bits&^(3|4|8|16|128)|32|64, at)
			easier.Anchors, easier.Intermediates = o.Anchors, o.Intermediates
			if _, err := Validate(t.Context(), leaf, easier); err != nil {
				t.Fatalf("with fewer demands: %v", err)
			}
		}
	})
}
