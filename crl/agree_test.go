package crl_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/testpeer"
)

// An agreement is a certificate with lists, and what each program says of it: good,
// revoked, or refused, which is that it cannot be accepted by these lists.
type agreement struct {
	name  string
	lists [][]byte
	ours  string
	// Those of the others who say something else, and why.
	openssl, pki, dirmngr string
	why                   string
}

// others asks the other programs.
var others = map[string]func(t *testing.T, ca, target *x509.Certificate, lists ...[]byte) (status, words string){
	"openssl": askOpenSSL, "pki": askPKI, "dirmngr": askDirmngr,
}

// want is what a program is to say.
func (a agreement) want(program string) string {
	deviation := map[string]string{"openssl": a.openssl, "pki": a.pki, "dirmngr": a.dirmngr}[program]
	if deviation != "" {
		return deviation
	}
	return a.ours
}

// writePEM writes DER as PEM into a file of its own.
func writePEM(t *testing.T, label string, ders ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func askOpenSSL(t *testing.T, ca, target *x509.Certificate, lists ...[]byte) (status, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, testpeer.Program("openssl"), "verify", "-crl_check", "-extended_crl", "-use_deltas",
		"-CAfile", writePEM(t, "CERTIFICATE", ca.Raw), "-CRLfile", writePEM(t, "X509 CRL", lists...), writePEM(t, "CERTIFICATE", target.Raw)).CombinedOutput()
	switch {
	case err == nil:
		return "good", string(out)
	case strings.Contains(string(out), "certificate revoked"):
		return "revoked", string(out)
	}
	return "refused", string(out)
}

func askPKI(t *testing.T, ca, target *x509.Certificate, lists ...[]byte) (status, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerTime)
	defer cancel()
	args := []string{"--verify", "--in", writePEM(t, "CERTIFICATE", target.Raw), "--cacert", writePEM(t, "CERTIFICATE", ca.Raw)}
	for _, list := range lists {
		args = append(args, "--crl", writePEM(t, "X509 CRL", list))
	}
	out, err := exec.CommandContext(ctx, testpeer.Program("pki"), args...).CombinedOutput()
	switch text := string(out); {
	case strings.Contains(text, "certificate was revoked"), strings.Contains(text, "certificate revoked"):
		return "revoked", text
	case err == nil && strings.Contains(text, "certificate is valid"), err == nil && strings.Contains(text, "certificate not revoked"):
		return "good", text
	default:
		return "refused", text
	}
}

// TestAgreement: what OpenSSL, strongSwan and GnuPG say of the same certificate and
// lists, and where they deviate, why.
func TestAgreement(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl", "pki", "dirmngr")
	const at = "http://crl.test/ca.crl"
	// The other programs have no clock but the system's.
	today := time.Now()
	days := func(n int) time.Time { return today.AddDate(0, 0, n) }
	newDated := func(name string) *testCA {
		template := caTemplate(name)
		template.NotBefore, template.NotAfter, template.SubjectKeyId = days(-30), days(300), []byte(name)
		key, err := rsa.GenerateKey(rand.Reader, 2048) // dirmngr verifies no ECDSA
		if err != nil {
			t.Fatal(err)
		}
		return newCAFrom(t, template, key)
	}
	ca, impostor, stranger := newDated("CA"), newDated("CA"), newDated("Stranger")
	ca.serial = 0x1000
	issue := func(name string) *x509.Certificate {
		return ca.issueWith(func(c *x509.Certificate) {
			c.Subject.CommonName, c.CRLDistributionPoints, c.NotBefore, c.NotAfter = name, []string{at}, days(-20), days(200)
		})
	}
	target, neighbour := issue("target"), issue("neighbour")
	between := func(this, next int) listOption {
		return func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = days(this), days(next) }
	}
	current := between(-1, 6)
	list := func(by *testCA, options ...listOption) []byte {
		return by.list(append([]listOption{current}, options...)...)
	}
	scope := func(value string) listOption { return withExtension("2.5.29.28", true, []byte(value)) }
	names := func(certs ...*x509.Certificate) listOption {
		return func(l *x509.RevocationList) {
			for _, c := range certs {
				l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: days(-2), ReasonCode: 1})
			}
		}
	}
	back := func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: target.SerialNumber, RevocationTime: days(-1), ReasonCode: 8})
	}
	delta := func(options ...listOption) []byte {
		return list(ca, append(options, numbered(8), withExtension("2.5.29.27", true, []byte{2, 1, 7}))...)
	}
	// OpenSSL looks for delta lists only where the complete one, or the certificate,
	// says that there are some.
	freshest := withExtension("2.5.29.46", false, []byte("\x30\x1e\x30\x1c\xa0\x1a\xa0\x18\x86\x16"+at))
	unknown := withExtension("1.2.3.4", true, []byte{5, 0})
	for _, a := range []agreement{
		{name: "not listed", lists: [][]byte{list(ca, names(neighbour))}, ours: "good"},
		{name: "an empty list", lists: [][]byte{list(ca)}, ours: "good"},
		{name: "listed", lists: [][]byte{list(ca, names(neighbour, target))}, ours: "revoked"},
		{name: "out of date", lists: [][]byte{list(ca, between(-9, -1))}, ours: "refused"},
		{name: "of the future", lists: [][]byte{list(ca, between(1, 9))}, ours: "refused", dirmngr: "good", why: "GnuPG does not look at thisUpdate (RFC 5280, 5.1.2.4)"},
		{name: "signed by an impostor", lists: [][]byte{list(impostor)}, ours: "refused"},
		{name: "of another CA", lists: [][]byte{list(stranger)}, ours: "refused"},
		{name: "the critical scope of its place", lists: [][]byte{list(ca, scope("\x30\x1c\xa0\x1a\xa0\x18\x86\x16"+at))}, ours: "good", dirmngr: "refused", why: "GnuPG knows no issuing distribution point, and so refuses a critical one (RFC 5280, 5.2)"},
		{name: "the critical scope of another place", lists: [][]byte{list(ca, scope("\x30\x1c\xa0\x1a\xa0\x18\x86\x16"+strings.ToUpper(at)))}, ours: "refused", pki: "good", why: "strongSwan does not look at the issuing distribution point, though it is critical (RFC 5280, 5.2.5)"},
		{name: "for CA certificates", lists: [][]byte{list(ca, scope("\x30\x03\x82\x01\xff"))}, ours: "refused", pki: "good", why: "strongSwan does not look at the issuing distribution point, though it is critical (RFC 5280, 5.2.5)"},
		{name: "for some reasons", lists: [][]byte{list(ca, scope("\x30\x04\x83\x02\x06\x40"))}, ours: "refused", pki: "good", why: "strongSwan does not look at the issuing distribution point, though it is critical (RFC 5280, 5.2.5)"},
		{name: "a critical extension that nobody knows", lists: [][]byte{list(ca, unknown)}, ours: "refused"},
		{name: "a critical extension that nobody knows, in a list that names it", lists: [][]byte{list(ca, unknown, names(target))}, ours: "revoked", openssl: "refused", pki: "refused", dirmngr: "refused",
			why: "a list that may not acquit may still accuse here: either way the certificate is not accepted"},
		{name: "a critical extension that nobody knows, in the entry of another", lists: [][]byte{list(ca, names(neighbour), entryExtension(0, "1.2.3.4", []byte{5, 0}))}, ours: "refused", pki: "good", why: "strongSwan passes over critical extensions of entries (RFC 5280, 5.3)"},
		{name: "listed in the delta list", lists: [][]byte{list(ca, freshest), delta(names(target))}, ours: "revoked", dirmngr: "refused", why: "GnuPG knows no delta lists"},
		{name: "taken back by the delta list", lists: [][]byte{list(ca, freshest, names(target)), delta(back)}, ours: "good", pki: "revoked", dirmngr: "refused", why: "strongSwan takes a delta list for another complete one, and GnuPG knows none"},
		{name: "a delta list alone", lists: [][]byte{delta()}, ours: "refused"},
		{name: "an older list that names it, and a newer one", lists: [][]byte{list(ca, numbered(6), between(-3, 5), names(target)), list(ca)}, ours: "good"},
	} {
		t.Run(a.name, func(t *testing.T) {
			if deviates := a.openssl+a.pki+a.dirmngr != ""; deviates == (a.why == "") {
				t.Error("a deviation without a reason, or a reason without a deviation")
			}
			var lists []*crl.List
			for _, der := range a.lists {
				lists = append(lists, mustParse(t, der))
			}
			v := newChecker(t, crl.CheckerConfig{Lists: lists, Clock: time.Now}).Check(t.Context(), ders(target), crl.Policy{Anchors: ders(ca.cert)})
			got, ok := map[crl.Status]string{crl.StatusGood: "good", crl.StatusRevoked: "revoked"}[v.Status]
			if !ok {
				got = "refused"
			}
			if got != a.ours {
				t.Errorf("%s, want %s: %+v", v.Status, a.ours, v.Reasons)
			}
			for program, ask := range others {
				got, words := ask(t, ca.cert, target, a.lists...)
				if got != a.want(program) {
					t.Errorf("%s: %s, want %s: %s", program, got, a.want(program), fmt.Sprintf("%.300q", words))
				}
			}
		})
	}
}
