package crl_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/testpeer"
)

// corpusLists returns all lists of the corpora: NIST's and the real ones.
func corpusLists(t testing.TB) []string {
	t.Helper()
	dir := testpeer.Corpora(t)
	var all []string
	for _, pattern := range []string{"pkits/crls/*.crl", "crls/*.crl"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no lists at %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAgainstStandardLibrary: wherever crypto/x509 reads a list, Parse reads the
// same in it.
func TestAgainstStandardLibrary(t *testing.T) {
	compared := 0
	for _, path := range corpusLists(t) {
		der := readFile(t, path)
		ours, err := crl.Parse(bytes.NewReader(der), crl.Limits{})
		theirs, theirErr := x509.ParseRevocationList(der)
		if err != nil {
			t.Errorf("%s: %v (crypto/x509: %v)", filepath.Base(path), err, theirErr)
			continue
		}
		if theirErr != nil {
			continue // version 1, or no next update
		}
		compared++
		compare(t, filepath.Base(path), ours, theirs)
	}
	if compared < 170 {
		t.Errorf("only %d lists compared", compared)
	}
}

func compare(t testing.TB, name string, ours *crl.List, theirs *x509.RevocationList) {
	t.Helper()
	if !bytes.Equal(ours.Issuer.DER(), theirs.RawIssuer) || !ours.ThisUpdate.Equal(theirs.ThisUpdate) || !ours.NextUpdate.Equal(theirs.NextUpdate) ||
		!bytes.Equal(ours.AuthorityKeyID, theirs.AuthorityKeyId) || ours.Len() != len(theirs.RevokedCertificateEntries) ||
		len(ours.Extensions) != len(theirs.Extensions) {
		t.Errorf("%s: the heads differ: %+v", name, ours)
	}
	if (ours.Number == nil) != (theirs.Number == nil) || ours.Number != nil && ours.Number.Cmp(theirs.Number) != 0 {
		t.Errorf("%s: number %v, want %v", name, ours.Number, theirs.Number)
	}
	counts := map[string]int{}
	for _, e := range theirs.RevokedCertificateEntries {
		counts[e.SerialNumber.String()]++
	}
	for _, e := range theirs.RevokedCertificateEntries {
		got, ok := ours.Lookup(e.SerialNumber)
		if !ok {
			t.Errorf("%s: serial %x not found", name, e.SerialNumber)
			continue
		}
		if counts[e.SerialNumber.String()] == 1 && (!got.Date.Equal(e.RevocationTime) || int(got.Reason) != e.ReasonCode) {
			t.Errorf("%s: serial %x: %v %v, want %v %v", name, e.SerialNumber, got.Date, got.Reason, e.RevocationTime, e.ReasonCode)
		}
	}
	entries := 0
	for range ours.Entries() {
		entries++
	}
	if entries != ours.Len() {
		t.Errorf("%s: %d entries, want %d", name, entries, ours.Len())
	}
}

func TestLookup(t *testing.T) {
	ca := newCA(t, "CA")
	var serials []*big.Int
	for _, text := range []string{"1", "127", "128", "255", "256", "32768", "-1", "-128", "-129", "-256",
		"1461501637330902918203684832716283019655932542975", strings.Repeat("7", 150), strings.Repeat("7", 200)} {
		n, _ := new(big.Int).SetString(text, 10)
		serials = append(serials, n)
	}
	l := mustParse(t, ca.list(func(list *x509.RevocationList) {
		for i, n := range serials {
			list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
				x509.RevocationListEntry{SerialNumber: n, RevocationTime: now.Add(time.Duration(i) * time.Hour)})
		}
	}))
	for i, n := range serials {
		if e, ok := l.Lookup(n); !ok || !e.Date.Equal(now.Add(time.Duration(i)*time.Hour)) {
			t.Errorf("serial %v: %v %v", n, e.Date, ok)
		}
		if _, ok := l.Lookup(new(big.Int).Add(n, big.NewInt(1000))); ok {
			t.Errorf("serial %v + 1000 is found", n)
		}
	}
	if _, ok := l.Lookup(nil); ok {
		t.Error("nil is found")
	}
	if _, ok := mustParse(t, ca.list()).Lookup(big.NewInt(0)); ok {
		t.Error("a serial is found in an empty list")
	}
	if n := testing.AllocsPerRun(100, func() { l.Lookup(serials[4]); l.Lookup(serials[10]); l.Lookup(big.NewInt(9)) }); n > 1 {
		t.Errorf("three lookups allocate %v times; only big.NewInt may", n)
	}
}

// TestTwice: where a serial number stands twice, the entry that revokes counts.
func TestTwice(t *testing.T) {
	ca := newCA(t, "CA")
	cert := ca.issue("x")
	for _, order := range [][]crl.ReasonCode{{crl.RemoveFromCRL, crl.CertificateHold}, {crl.CertificateHold, crl.RemoveFromCRL}} {
		l := mustParse(t, ca.list(revoking(order[0], cert), revoking(order[1], cert)))
		if e, ok := l.Lookup(cert.SerialNumber); !ok || !e.Revokes() {
			t.Errorf("%v: %v, %v", order, e.Reason, ok)
		}
	}
}

// TestParseRefuses: small lists, each with one fault.
func TestParseRefuses(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list(revoking(crl.KeyCompromise, ca.issue("x")))
	replace := func(old, by string) []byte {
		if bytes.Count(der, []byte(old)) == 0 {
			t.Fatalf("%q is not in the list", old)
		}
		return bytes.Replace(bytes.Clone(der), []byte(old), []byte(by), 1)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "malformed"},
		{"a certificate", ca.cert.Raw, "malformed"},
		{"data behind the end", append(bytes.Clone(der), 0), "behind its end"},
		{"version 3", replace("\x02\x01\x01", "\x02\x01\x02"), "version"},
		{"the 31st of November", replace("261121", "261131"), "revocation date"},
		{"a date with letters", replace("261122", "2611x2"), "thisUpdate"},
		{"PEM of a certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), "PEM"},
		{"PEM cut short", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})[:100], "PEM"},
		{"an extension twice", ca.list(withExtension("1.2.3", false, nil), withExtension("1.2.3", false, nil)), "twice"},
		{"scope of nonsense", ca.list(withExtension("2.5.29.28", true, []byte{0x30, 1, 0})), "distribution point"},
		{"scope with a wrong boolean", ca.list(withExtension("2.5.29.28", true, []byte{0x30, 3, 0x82, 1, 1})), "distribution point"},
		{"negative delta", ca.list(withExtension("2.5.29.27", true, []byte{2, 1, 0xff})), "CRL number"},
	} {
		_, err := crl.Parse(bytes.NewReader(c.data), crl.Limits{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
	for n := range der {
		if _, err := crl.Parse(bytes.NewReader(der[:n]), crl.Limits{}); err == nil {
			t.Errorf("the first %d bytes of %d are accepted", n, len(der))
		}
	}
	if _, err := crl.Parse(bytes.NewReader(der), crl.Limits{MaxBytes: int64(len(der)) - 1}); !errors.Is(err, crl.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := crl.Parse(bytes.NewReader(der), crl.Limits{MaxBytes: int64(len(der))}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// TestVersion1: a list of 1988, without number, next update and extensions.
func TestVersion1(t *testing.T) {
	ca := newCA(t, "CA")
	der := versionOne(t, ca)
	l := mustParse(t, der)
	if l.Version != 1 || l.Number != nil || !l.NextUpdate.IsZero() || l.Len() != 1 {
		t.Errorf("%+v", l)
	}
	if e, ok := l.Lookup(big.NewInt(5)); !ok || e.Reason != crl.Unspecified {
		t.Errorf("entry %+v, %v", e, ok)
	}
	if err := l.CheckSignatureFrom(ca.cert, false); err != nil {
		t.Error(err)
	}
}

// versionOne makes a version 1 list that revokes serial number 5.
func versionOne(t testing.TB, ca *testCA) []byte {
	type entry struct {
		Serial *big.Int
		Date   time.Time `asn1:"utc"`
	}
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type tbs struct {
		Algorithm algorithm
		Issuer    asn1.RawValue
		This      time.Time `asn1:"utc"`
		Revoked   []entry
	}
	ecdsaSHA256 := algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}
	inner, err := asn1.Marshal(tbs{ecdsaSHA256, asn1.RawValue{FullBytes: ca.cert.RawSubject}, now, []entry{{big.NewInt(5), now}}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm algorithm
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: inner}, ecdsaSHA256, bits(signDigest(t, ca.key, inner))})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// FuzzParse: no input makes Parse fail other than by an error, what it accepts
// can be read through, and it agrees with crypto/x509.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"small.crl", "small.pem", "scoped.crl", "version1.crl", "delta.crl"} {
		f.Add(readFile(f, filepath.Join("testdata", name)))
	}
	if dir := os.Getenv(testpeer.CorporaEnv); dir != "" {
		for _, path := range corpusLists(f) {
			if data := readFile(f, path); len(data) < 4096 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, err := crl.Parse(bytes.NewReader(data), crl.Limits{MaxBytes: 1 << 20})
		if err != nil {
			return
		}
		for e := range ours.Entries() {
			if _, ok := ours.Lookup(new(big.Int).SetBytes(e.Serial)); !ok && e.Serial[0] < 0x80 {
				t.Errorf("serial %x is listed and not found", e.Serial)
			}
		}
		if theirs, err := x509.ParseRevocationList(ours.Raw()); err == nil {
			compare(t, "input", ours, theirs)
		}
	})
}
