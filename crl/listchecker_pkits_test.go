package crl_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/crl/certpath"
	"keyman/internal/testpeer"
)

// pkitsPolicies are the policies of NIST's suite by the names of its document.
func pkitsPolicies(t *testing.T, names string) []certpath.OID {
	t.Helper()
	var all []certpath.OID
	for name := range strings.SplitSeq(names, ",") {
		text := "2.5.29.32.0"
		if number, ok := strings.CutPrefix(name, "NIST-test-policy-"); ok {
			text = "2.16.840.1.101.3.2.1.48." + number
		} else if name != "anyPolicy" {
			t.Fatalf("policy %q", name)
		}
		oid, err := certpath.ParseOID(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, oid)
	}
	slices.Sort(all)
	return all
}

// setting reads a setting of a run, "" for the default.
func setting(t *testing.T, raw json.RawMessage) (value string) {
	t.Helper()
	if string(raw) == "null" {
		return ""
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// pkitsCodes are the reasons for which each section of the suite refuses.
var pkitsCodes = map[string][]certpath.Code{
	"1":  {certpath.CodeBadSignature},
	"2":  {certpath.CodeExpired, certpath.CodeNotYetValid},
	"3":  {certpath.CodeNoAnchor},
	"4":  {certpath.CodeRevoked, certpath.CodeUndetermined},
	"5":  {certpath.CodeRevoked, certpath.CodeNotCA},
	"6":  {certpath.CodeNotCA, certpath.CodePathLength},
	"7":  {certpath.CodeKeyUsage, certpath.CodeUndetermined},
	"8":  {certpath.CodePolicy},
	"9":  {certpath.CodePolicy},
	"10": {certpath.CodePolicy},
	"11": {certpath.CodePolicy},
	"12": {certpath.CodePolicy},
	"13": {certpath.CodeNameConstraint},
	"14": {certpath.CodeRevoked, certpath.CodeUndetermined},
	"15": {certpath.CodeRevoked, certpath.CodeUndetermined},
	"16": {certpath.CodeCriticalExtension},
}

// TestPKITSByOwnPath runs NIST's suite, all of it, with the project's own
// validation of paths and lists.
func TestPKITSByOwnPath(t *testing.T) {
	dir := filepath.Join(testpeer.Corpora(t), "pkits")
	var cases []pkitsCase
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "expected.json")), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 249 {
		t.Fatalf("%d runs", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Num+"/"+c.Name, func(t *testing.T) {
			var lists crl.ListsAtHand
			for _, name := range c.CRLs {
				lists = append(lists, mustParse(t, readFile(t, filepath.Join(dir, "crls", name+".crl"))))
			}
			var certs []*certpath.Certificate
			for _, name := range c.Certs {
				parsed, err := certpath.ParseCertificate(readFile(t, filepath.Join(dir, "certs", name+".crt")))
				if err != nil {
					t.Fatal(err)
				}
				certs = append(certs, parsed)
			}
			anchor, err := certpath.AnchorOf(certs[0])
			if err != nil {
				t.Fatal(err)
			}
			o := certpath.Options{
				Anchors: []*certpath.Anchor{anchor}, Intermediates: certs[1 : len(certs)-1],
				Time:                  time.Date(2011, 4, 15, 0, 0, 0, 0, time.UTC),
				RequireExplicitPolicy: setting(t, c.Explicit) == "true",
				InhibitMapping:        setting(t, c.InhibitMap) == "true",
				InhibitAnyPolicy:      setting(t, c.InhibitAny) == "true",
				// The suite's DSA keys have 1024 bits, and sign with SHA-1.
				Strength:   certpath.Strength{AllowSHA1: true, MinBits: 1024},
				Revocation: crl.NewListChecker(lists, nil),
			}
			if initial := setting(t, c.Initial); initial != "" {
				o.InitialPolicies = pkitsPolicies(t, initial)
			}
			path, err := certpath.Validate(t.Context(), certs[len(certs)-1], o)
			if (err == nil) != c.OK {
				t.Errorf("valid is %t, and not %t: %v", err == nil, c.OK, err)
			}
			section, _, _ := strings.Cut(strings.TrimPrefix(c.Num, "4."), ".")
			if err != nil && !slices.Contains(pkitsCodes[section], certpath.CodeOf(err)) {
				t.Errorf("not valid for another reason: %v", err)
			}
			if want := setting(t, c.UserSet); want != "" && !slices.Equal(path.Policies, pkitsPolicies(t, want)) {
				t.Errorf("the policies %s, and not %s", path.Policies, want)
			}
		})
	}
}
