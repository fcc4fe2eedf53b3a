package crl_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"keyman/crl"
)

// now is the instant of all tests.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A testCA issues certificates and lists for a test.
type testCA struct {
	t      testing.TB
	cert   *x509.Certificate
	key    crypto.Signer
	serial int64
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// caTemplate is the template of a CA's certificate.
func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"CH"}, CommonName: name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func newCA(t testing.TB, name string) *testCA { return newCAFrom(t, caTemplate(name), newKey(t)) }

func newCAFrom(t testing.TB, template *x509.Certificate, key crypto.Signer) *testCA {
	t.Helper()
	ca := &testCA{t: t, key: key, serial: 100}
	ca.cert = sign(t, template, template, key, key)
	return ca
}

// sign makes a certificate.
func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes an end-entity certificate that names the places of its list.
func (ca *testCA) issue(name string, places ...string) *x509.Certificate {
	return ca.issueWith(func(c *x509.Certificate) { c.Subject.CommonName, c.CRLDistributionPoints = name, places })
}

// issueWith makes a certificate whose template change has had its way with.
func (ca *testCA) issueWith(change func(*x509.Certificate)) *x509.Certificate {
	ca.t.Helper()
	ca.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial), Subject: pkix.Name{Country: []string{"CH"}},
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	change(template)
	return sign(ca.t, template, ca.cert, newKey(ca.t), ca.key)
}

// subCA makes a CA below this one.
func (ca *testCA) subCA(name string, places ...string) *testCA {
	ca.t.Helper()
	ca.serial++
	template := caTemplate(name)
	template.SerialNumber, template.CRLDistributionPoints = big.NewInt(ca.serial), places
	sub := &testCA{t: ca.t, key: newKey(ca.t), serial: 1000}
	sub.cert = sign(ca.t, template, ca.cert, sub.key, ca.key)
	return sub
}

// A listOption changes a list before it is signed.
type listOption func(*x509.RevocationList)

// revoking puts certificates into a list.
func revoking(reason crl.ReasonCode, certs ...*x509.Certificate) listOption {
	return func(l *x509.RevocationList) {
		for _, cert := range certs {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: cert.SerialNumber, RevocationTime: now.AddDate(0, 0, -2), ReasonCode: int(reason)})
		}
	}
}

func numbered(n int64) listOption { return func(l *x509.RevocationList) { l.Number = big.NewInt(n) } }

// dated moves the dates of a list, in days from now.
func dated(this, next int) listOption {
	return func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = now.AddDate(0, 0, this), now.AddDate(0, 0, next)
	}
}

func withExtension(oid string, critical bool, value []byte) listOption {
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: mustOID(oid), Critical: critical, Value: value})
	}
}

// list signs a revocation list, DER.
func (ca *testCA) list(options ...listOption) []byte {
	ca.t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: now.AddDate(0, 0, -1), NextUpdate: now.AddDate(0, 0, 6)}
	for _, option := range options {
		option(template)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.cert, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return der
}

func mustParse(t testing.TB, der []byte) *crl.List {
	t.Helper()
	l, err := crl.Parse(bytes.NewReader(der), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ders returns the encodings of certificates.
func ders(certs ...*x509.Certificate) [][]byte {
	var all [][]byte
	for _, cert := range certs {
		all = append(all, cert.Raw)
	}
	return all
}

func mustOID(text string) (oid []int) {
	part := 0
	for _, c := range text + "." {
		if c == '.' {
			oid, part = append(oid, part), 0
			continue
		}
		part = 10*part + int(c-'0')
	}
	return oid
}
