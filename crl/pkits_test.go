package crl_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/testpeer"
)

// pkitsCase is one run of NIST's suite.
type pkitsCase struct {
	Name  string
	Num   string
	Certs []string // trust anchor first, target last
	CRLs  []string
	OK    bool
	// The settings that the run asks for; null is the default.
	Initial, Explicit, InhibitMap, InhibitAny, UserSet json.RawMessage
}

// byDefault reports whether the run asks for no settings of its own: Policy has
// none for certificate policies.
func (c pkitsCase) byDefault() bool {
	for _, setting := range []json.RawMessage{c.Initial, c.Explicit, c.InhibitMap, c.InhibitAny, c.UserSet} {
		if string(setting) != "null" {
			return false
		}
	}
	return true
}

// pkitsAccepted is how many runs are accepted: fewer would be a step back.
const pkitsAccepted = 45

// TestPKITS runs NIST's suite with its lists at hand. A chain that must be
// refused must not be accepted. Not all that could be accepted is: crypto/x509
// cannot read some certificates, and indirect and delta lists do not count.
func TestPKITS(t *testing.T) {
	dir := filepath.Join(testpeer.Corpora(t), "pkits")
	var cases []pkitsCase
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "expected.json")), &cases); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, c := range cases {
		if !c.byDefault() {
			continue
		}
		var lists []*crl.List
		for _, name := range c.CRLs {
			lists = append(lists, mustParse(t, readFile(t, filepath.Join(dir, "crls", name+".crl"))))
		}
		var chain [][]byte
		for _, name := range c.Certs {
			chain = append([][]byte{readFile(t, filepath.Join(dir, "certs", name+".crt"))}, chain...)
		}
		anchor := chain[len(chain)-1]
		checker := newChecker(t, crl.CheckerConfig{Lists: lists})
		v := checker.Check(t.Context(), chain[:len(chain)-1], crl.Policy{Anchors: [][]byte{anchor}, Time: time.Date(2011, 4, 15, 0, 0, 0, 0, time.UTC)})
		if v.Accepted() && !c.OK {
			t.Errorf("%s %s is accepted", c.Num, c.Name)
		}
		if v.Accepted() {
			accepted++
		}
	}
	if accepted < pkitsAccepted {
		t.Errorf("%d runs are accepted, want %d", accepted, pkitsAccepted)
	}
}
