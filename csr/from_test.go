package csr

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// A request made from a request, or from a certificate, asks for the same.
func TestFromKeepsAll(t *testing.T) {
	now := time.Now()
	otherName := []byte("\xa0\x11\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x03\x0c\x01u") // a UPN
	for what, template := range map[string]Template{
		"names":        {Subject: name(t, "C=CH, CN=gw1"), SANs: sans(t, "ip:10.0.0.1", "dns:gw1", "uri:urn:a:b", "email:a@b", "dns:gw2")},
		"names alone":  {SANs: sans(t, "dns:gw1")},
		"otherName":    {Subject: name(t, "CN=gw1"), OtherNames: [][]byte{otherName}},
		"IKE":          {Subject: name(t, "CN=gw1"), IKE: true},
		"IKE and more": {Subject: name(t, "CN=gw1"), IKE: true, KeyUsage: x509.KeyUsageKeyAgreement, ExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}}},
		"IKE by nonRepudiation": {Subject: name(t, "CN=gw1"), KeyUsage: x509.KeyUsageContentCommitment,
			ExtKeyUsage: []asn1.ObjectIdentifier{OIDIPsecIKE()}},
		"CA": {Subject: name(t, "CN=ca"), KeyUsage: x509.KeyUsageCertSign, BasicConstraints: &BasicConstraints{CA: true, PathLen: number(2)}},
		"TLS feature": {Subject: name(t, "CN=gw1"), Extensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}},
		}},
	} {
		der, err := Create(template, ed25519Key(t))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		r, err := Parse(der)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got, left := FromRequest(r); !sameTemplate(got, template) || len(left) != 0 {
			t.Errorf("%s: from the request %+v, left %v", what, got, left)
		}
		if template.Subject.IsEmpty() {
			continue
		}
		if der, err = SelfSign(template, ed25519Key(t), Validity{now, now.Add(time.Hour)}); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got, left, err := FromCertificate(der); err != nil || !sameTemplate(got, template) || len(left) != 0 {
			t.Errorf("%s: from the certificate %+v, left %v, %v", what, got, left, err)
		}
	}
}

// sameTemplate compares what templates ask for.
func sameTemplate(a, b Template) bool {
	if !a.Subject.Equal(b.Subject) || len(a.ExtKeyUsage) != len(b.ExtKeyUsage) {
		return false
	}
	a.Subject = b.Subject
	if len(a.ExtKeyUsage) == 0 {
		a.ExtKeyUsage, b.ExtKeyUsage = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// What is not taken over is named, unless it is the CA's own business.
func TestFromCertificateLeaves(t *testing.T) {
	key := ed25519Key(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: name(t, "CN=gw1").DER(), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		SubjectKeyId: []byte{1}, AuthorityKeyId: []byte{1}, CRLDistributionPoints: []string{"http://crl.example"}, OCSPServer: []string{"http://ocsp.example"},
		DNSNames: []string{"*.example.org", "gw1.example.org", "gw1.example.org"},
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: []byte{0x30, 0}},
			{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: []byte{5, 0}},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	template, left, err := FromCertificate(der)
	if err != nil || !slices.Equal(left, []string{"certificate policies", "1.2.3.4"}) {
		t.Errorf("left is %q, %v", left, err)
	}
	// A wildcard is no name that ParseSAN takes, and it is kept all the same.
	if fmt.Sprint(template.SANs) != "[dns:gw1.example.org]" || len(template.OtherNames) != 1 || string(template.OtherNames[0]) != "\x82\x0d*.example.org" {
		t.Errorf("%v, %q", template.SANs, template.OtherNames)
	}
	request, err := Create(template, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil || !slices.Equal(parsed.DNSNames, []string{"gw1.example.org", "*.example.org"}) {
		t.Errorf("%v, %v", parsed.DNSNames, err)
	}
	if _, _, err := FromCertificate(request); err == nil {
		t.Error("a request is taken for a certificate")
	}
}

// What crypto/x509 refuses has names and usages, too.
func TestFromUnusableCertificate(t *testing.T) {
	for file, subject := range map[string]string{"brainpool": "C=CH, CN=odd", "ed448": "C=CH, CN=odd", "negative-serial": "CN=neg"} {
		der, err := os.ReadFile(filepath.Join("..", "certinfo", "testdata", file+".der"))
		if err != nil {
			t.Fatal(err)
		}
		template, left, err := FromCertificate(der)
		if err != nil || template.Subject.String() != subject || len(left) != 0 || template.BasicConstraints == nil {
			t.Errorf("%s: %+v, left %v, %v", file, template, left, err)
		}
		if _, err := Create(template, ed25519Key(t)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
