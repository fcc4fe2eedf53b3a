package crl_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"testing"

	"keyman/crl"
)

// entryExtension puts a critical extension into an entry of the list, as counted
// from the first.
func entryExtension(entry int, oid string, value []byte) listOption {
	return func(l *x509.RevocationList) {
		e := &l.RevokedCertificateEntries[entry]
		e.ExtraExtensions = append(e.ExtraExtensions, pkix.Extension{Id: mustOID(oid), Critical: true, Value: value})
	}
}

// TestFlawedLists: a list that its issuer signed and that may not say good may
// still say revoked, under every policy that asks for lists. One that does not
// name the certificate says nothing.
func TestFlawedLists(t *testing.T) {
	const at = "http://crl.test/ca"
	ca, other := newCA(t, "CA"), newCA(t, "Other")
	leaf, neighbour, between := ca.issue("leaf", at), ca.issue("neighbour", at), ca.issue("between", at)
	names := revoking(crl.KeyCompromise, leaf)
	namesAll := revoking(crl.KeyCompromise, neighbour, between, leaf)
	unknown := withExtension("1.2.3.4", true, []byte{5, 0})
	scope := func(tag byte) listOption {
		return withExtension("2.5.29.28", true, []byte{0x30, 3, 0x80 | tag, 1, 0xff})
	}
	indirect := scope(4)
	issuer := func(entry int, ca *testCA) listOption { // GeneralNames with one directory name
		name := ca.cert.RawSubject
		return entryExtension(entry, "2.5.29.29", slices.Concat([]byte{0x30, byte(len(name) + 2), 0xa4, byte(len(name))}, name))
	}
	const revoked, undetermined, good = crl.StatusRevoked, crl.StatusUndetermined, crl.StatusGood
	for _, c := range []struct {
		name            string
		options         []listOption
		strict, relaxed crl.Status
		code            string
	}{
		{"unknown extension, named", []listOption{names, unknown}, revoked, revoked, crl.CodeCRLCritical},
		{"unknown extension, not named", []listOption{unknown}, undetermined, good, crl.CodeCRLCritical},
		{"unknown extension of the entry", []listOption{names, entryExtension(0, "1.2.3.4", []byte{5, 0})}, revoked, revoked, crl.CodeCRLCritical},
		{"unknown extension of another entry", []listOption{revoking(0, neighbour), entryExtension(0, "1.2.3.4", []byte{5, 0})}, undetermined, good, crl.CodeCRLCritical},
		{"unknown extension, a hold lifted", []listOption{revoking(crl.RemoveFromCRL, leaf), unknown}, undetermined, good, crl.CodeCRLCritical},
		{"unknown extension, out of date", []listOption{names, unknown, dated(-9, -2)}, revoked, revoked, crl.CodeCRLCritical},
		{"of tomorrow, named", []listOption{names, dated(1, 9)}, revoked, revoked, crl.CodeCRLNotYet},
		{"of tomorrow, not named", []listOption{dated(1, 9)}, undetermined, good, crl.CodeCRLNotYet},
		{"indirect, named", []listOption{names, indirect}, revoked, revoked, crl.CodeRevoked},
		{"indirect, not named", []listOption{indirect}, good, good, crl.CodeChecked},
		{"indirect, own issuer given", []listOption{names, indirect, issuer(0, ca)}, revoked, revoked, crl.CodeRevoked},
		{"indirect, another issuer's", []listOption{names, indirect, issuer(0, other)}, good, good, crl.CodeChecked},
		{"indirect, another issuer's before", []listOption{namesAll, indirect, issuer(1, other)}, good, good, crl.CodeChecked},
		{"indirect, own issuer again", []listOption{namesAll, indirect, issuer(0, other), issuer(1, ca)}, revoked, revoked, crl.CodeRevoked},
		{"indirect, the issuer cannot be read", []listOption{names, indirect, entryExtension(0, "2.5.29.29", []byte{5, 0})}, revoked, revoked, crl.CodeRevoked},
		{"other issuers, not indirect", []listOption{namesAll, issuer(2, ca)}, revoked, revoked, crl.CodeCRLScope},
		{"for CA certificates", []listOption{names, scope(2)}, revoked, revoked, crl.CodeCRLScope},
		{"for attribute certificates", []listOption{names, scope(5)}, undetermined, good, crl.CodeCRLScope},
	} {
		s := newShelf(t)
		s.put(at, ca.list(c.options...))
		checker := newChecker(t, crl.CheckerConfig{Source: s})
		for mode, want := range map[crl.Revocation]crl.Status{
			crl.Strict: c.strict, crl.IfURI: c.strict, crl.Relaxed: c.relaxed, crl.Off: good,
		} {
			v := checker.Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca.cert), Revocation: mode})
			if v.Status != want {
				t.Errorf("%s, %s: %s %q, want %s", c.name, mode, v.Status, codes(v), want)
			}
			told := slices.ContainsFunc(v.Reasons, func(r crl.Reason) bool { return r.Code == c.code })
			if told != (mode != crl.Off) {
				t.Errorf("%s, %s: %q with or without %s", c.name, mode, codes(v), c.code)
			}
		}
	}
}

// TestFlawedListBesideAnother: a list that may decide outweighs one that may not.
func TestFlawedListBesideAnother(t *testing.T) {
	const at = "http://crl.test/"
	ca := newCA(t, "CA")
	leaf := ca.issue("leaf", at+"1", at+"2")
	s := newShelf(t)
	s.put(at+"1", ca.list(revoking(crl.KeyCompromise, leaf), dated(1, 9)))
	s.put(at+"2", ca.list())
	for _, mode := range []crl.Revocation{crl.Strict, crl.IfURI, crl.Relaxed} {
		checkCase{mode.String(), []*x509.Certificate{leaf}, mode, crl.StatusGood, []string{"note crl-not-yet-valid", "note checked"}}.
			run(t, newChecker(t, crl.CheckerConfig{Source: s}), ca.cert)
	}
}
