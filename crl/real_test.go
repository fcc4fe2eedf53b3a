package crl_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/testpeer"
)

// realLists are the lists that CAs have published.
var realLists = []struct {
	file    string
	entries int
	number  int64
	point   string // of the critical issuing distribution point
}{
	{"r2m02.crl", 14102, 1374, "http://crl.r2m02.amazontrust.com/r2m02.crl"},
	{"r2m03.crl", 13975, 1343, "http://crl.r2m03.amazontrust.com/r2m03.crl"},
	{"comodo-high-assurance-2014.crl", 10625, 1540, ""},
}

func realList(t *testing.T, file string) *crl.List {
	t.Helper()
	return mustParse(t, readFile(t, filepath.Join(testpeer.Corpora(t), "crls", file)))
}

// TestRealLists: lists that CAs have published are read with their critical scopes,
// and each of their serial numbers is found as crypto/x509 reads it; others are not.
func TestRealLists(t *testing.T) {
	for _, c := range realLists {
		l := realList(t, c.file)
		if l.Len() != c.entries || l.Number.Int64() != c.number || len(l.UnknownCritical) != 0 {
			t.Errorf("%s: %d entries, number %v, unknown %v", c.file, l.Len(), l.Number, l.UnknownCritical)
		}
		if c.point != "" && (l.Scope == nil || l.Scope.Point == nil || !slices.Equal(l.Scope.Point.URIs, []string{c.point})) {
			t.Errorf("%s: scope %+v", c.file, l.Scope)
		}
		want, err := x509.ParseRevocationList(l.Raw())
		if err != nil || len(want.RevokedCertificateEntries) != c.entries {
			t.Fatalf("%s: crypto/x509 reads %d entries, %v", c.file, len(want.RevokedCertificateEntries), err)
		}
		listed := map[string]bool{}
		for _, e := range want.RevokedCertificateEntries {
			listed[e.SerialNumber.String()] = true
			got, ok := l.Lookup(e.SerialNumber)
			if !ok || !got.Date.Equal(e.RevocationTime) || int(got.Reason) != e.ReasonCode || !got.Revokes() {
				t.Errorf("%s: serial number %x: %+v, %v", c.file, e.SerialNumber, got, ok)
			}
		}
		one := big.NewInt(1)
		for _, e := range want.RevokedCertificateEntries {
			next := new(big.Int).Add(e.SerialNumber, one)
			if _, ok := l.Lookup(next); ok != listed[next.String()] {
				t.Errorf("%s: serial number %x is found: %v", c.file, next, ok)
			}
		}
	}
}

// realCertificate reads a public certificate of testdata.
func realCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(readFile(t, filepath.Join("testdata", "real", file)))
	if block == nil {
		t.Fatal(file, "is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestRealSignatures: the list whose issuer's certificate is at hand is signed by
// it, and by nobody else; the others are not.
func TestRealSignatures(t *testing.T) {
	ca := realCertificate(t, "r2m02.pem")
	for _, c := range realLists {
		l := realList(t, c.file)
		err := l.CheckSignatureFrom(ca, true)
		if (err == nil) != (c.file == "r2m02.crl") {
			t.Errorf("%s: %v", c.file, err)
		}
	}
	l := realList(t, "r2m02.crl")
	other := newCAFrom(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: ca.RawSubject, IsCA: true, BasicConstraintsValid: true, NotAfter: now, KeyUsage: x509.KeyUsageCRLSign,
	}, newKey(t))
	if err := l.CheckSignatureFrom(other.cert, true); err == nil {
		t.Error("signed by another owner of the name")
	}
	damaged := bytes.Clone(l.Raw())
	damaged[len(damaged)/2] ^= 1 // in a serial number or a date
	if l, err := crl.Parse(bytes.NewReader(damaged), crl.Limits{}); err == nil && l.CheckSignatureFrom(ca, true) == nil {
		t.Error("a list that was changed is signed")
	}
}

// TestRealCheck: the certificate of a public server is good by the list of its CA,
// whose critical scope is the place that the certificate names. By the list of
// another place, or after its time, nothing can be told.
func TestRealCheck(t *testing.T) {
	leaf, ca := realCertificate(t, "leaf.pem"), realCertificate(t, "r2m02.pem")
	for _, c := range []struct {
		name, file, time string
		want             crl.Status
	}{
		{"its list", "r2m02.crl", "2025-02-25T00:00:00Z", crl.StatusGood},
		{"its list, out of date", "r2m02.crl", "2025-03-02T00:00:00Z", crl.StatusUndetermined},
		{"the list of another CA", "r2m03.crl", "2025-02-25T00:00:00Z", crl.StatusUndetermined},
	} {
		at, err := time.Parse(time.RFC3339, c.time)
		if err != nil {
			t.Fatal(err)
		}
		v := newChecker(t, crl.CheckerConfig{Lists: []*crl.List{realList(t, c.file)}}).Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca), Time: at})
		if v.Status != c.want {
			t.Errorf("%s: %s: %+v", c.name, v.Status, v.Reasons)
		}
	}
}

// TestRealScope: the critical scope of Amazon's list takes in the certificates that
// name its place, and no others.
func TestRealScope(t *testing.T) {
	l := realList(t, "r2m02.crl")
	var scope crl.Extension
	for _, e := range l.Extensions {
		if e.OID == "2.5.29.28" {
			scope = e
		}
	}
	if !scope.Critical {
		t.Fatalf("%+v", scope)
	}
	ca := newCA(t, "CA")
	inside, outside, nowhere := ca.issue("inside", l.Scope.Point.URIs[0]), ca.issue("outside", "http://crl.test/other.crl"), ca.issue("nowhere")
	der := ca.list(withExtension(scope.OID, true, scope.Value))
	for _, c := range []struct {
		cert *x509.Certificate
		want crl.Status
	}{{inside, crl.StatusGood}, {outside, crl.StatusUndetermined}, {nowhere, crl.StatusUndetermined}} {
		v := newChecker(t, crl.CheckerConfig{Lists: []*crl.List{mustParse(t, der)}}).Check(t.Context(), ders(c.cert), crl.Policy{Anchors: ders(ca.cert), Time: now})
		told := slices.ContainsFunc(v.Reasons, func(r crl.Reason) bool {
			return r.Code == crl.CodeCRLScope && strings.Contains(r.Text, "another distribution point")
		})
		if v.Status != c.want || told == (c.want == crl.StatusGood) {
			t.Errorf("%s: %s: %+v", c.cert.Subject, v.Status, v.Reasons)
		}
	}
}
