package crl_test

import (
	"encoding/json"
	"maps"
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

// A pkitsSuite is NIST's suite with all its files.
type pkitsSuite struct {
	cases []pkitsCase
	certs map[string]*certpath.Certificate
	lists map[string]*crl.List
}

func readPKITS(t *testing.T) pkitsSuite {
	t.Helper()
	dir := filepath.Join(testpeer.Corpora(t), "pkits")
	s := pkitsSuite{certs: map[string]*certpath.Certificate{}, lists: map[string]*crl.List{}}
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "expected.json")), &s.cases); err != nil {
		t.Fatal(err)
	}
	files := func(pattern string) []string {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, file := range files("certs/*.crt") {
		parsed, err := certpath.ParseCertificate(readFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		s.certs[strings.TrimSuffix(filepath.Base(file), ".crt")] = parsed
	}
	for _, file := range files("crls/*.crl") {
		s.lists[strings.TrimSuffix(filepath.Base(file), ".crl")] = mustParse(t, readFile(t, file))
	}
	if len(s.cases) != 249 || len(s.certs) != 405 || len(s.lists) != 173 {
		t.Fatalf("%d runs, %d certificates, %d lists", len(s.cases), len(s.certs), len(s.lists))
	}
	return s
}

// run runs one of the suite with intermediates and lists.
func (s pkitsSuite) run(t *testing.T, c pkitsCase, between []*certpath.Certificate, checker *crl.ListChecker) {
	anchor, err := certpath.AnchorOf(s.certs[c.Certs[0]])
	if err != nil {
		t.Fatal(err)
	}
	o := certpath.Options{
		Anchors: []*certpath.Anchor{anchor}, Intermediates: between,
		Time:                  time.Date(2011, 4, 15, 0, 0, 0, 0, time.UTC),
		RequireExplicitPolicy: setting(t, c.Explicit) == "true",
		InhibitMapping:        setting(t, c.InhibitMap) == "true",
		InhibitAnyPolicy:      setting(t, c.InhibitAny) == "true",
		// The suite's DSA keys have 1024 bits, and sign with SHA-1.
		Strength:   certpath.Strength{AllowSHA1: true, MinBits: 1024},
		Revocation: checker,
	}
	if initial := setting(t, c.Initial); initial != "" {
		o.InitialPolicies = pkitsPolicies(t, initial)
	}
	path, err := certpath.Validate(t.Context(), s.certs[c.Certs[len(c.Certs)-1]], o)
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
}

// TestPKITSByOwnPath runs NIST's suite, all of it, with the project's own
// validation of paths and lists: each run with the certificates and lists that
// it names, and a second time with those of the whole suite in one heap.
func TestPKITSByOwnPath(t *testing.T) {
	s := readPKITS(t)
	var (
		everybody []*certpath.Certificate
		all       crl.ListsAtHand
	)
	for _, name := range slices.Sorted(maps.Keys(s.certs)) {
		everybody = append(everybody, s.certs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.lists)) {
		all = append(all, s.lists[name])
	}
	heap := crl.NewListChecker(all, nil)
	for _, c := range s.cases {
		t.Run(c.Num+"/"+c.Name, func(t *testing.T) {
			var (
				between []*certpath.Certificate
				lists   crl.ListsAtHand
			)
			for _, name := range c.Certs[1 : len(c.Certs)-1] {
				between = append(between, s.certs[name])
			}
			for _, name := range c.CRLs {
				lists = append(lists, s.lists[name])
			}
			s.run(t, c, between, crl.NewListChecker(lists, nil))
		})
		t.Run(c.Num+"/"+c.Name+"/heap", func(t *testing.T) { s.run(t, c, everybody, heap) })
	}
}
