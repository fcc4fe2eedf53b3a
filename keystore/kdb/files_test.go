package kdb

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

// A shown item is what the tests compare of an item.
type shown struct {
	Kind             format.Kind
	Label            string
	Trusted, Default bool
	HasKey, HasCert  bool
}

func show(items []format.Item) []shown {
	var list []shown
	for _, i := range items {
		list = append(list, shown{i.Kind, i.Label, i.Trusted, i.Default, i.Key != nil, i.Certificate != nil})
	}
	return list
}

var sampleItems = []shown{
	{Kind: format.Personal, Label: "rsa-keypair", HasKey: true, HasCert: true},
	{Kind: format.Personal, Label: "ec-keypair", HasKey: true, HasCert: true},
	{Kind: format.Signer, Label: "trusted-root-ca", Trusted: true, HasCert: true},
	{Kind: format.Signer, Label: "trusted-intermediate-ca", Trusted: true, HasCert: true},
}

// TestSample reads the database that IBM's tool wrote, with the password that
// its stash file gives.
func TestSample(t *testing.T) {
	data := sample(t, "mixed.kdb")
	password, v, err := Unstash(sample(t, "mixed.sth"))
	if err != nil || string(password) != samplePassword || v != Stash2 {
		t.Fatalf("the stash file gives %d bytes, version %v, %v", len(password), v, err)
	}
	if !(Format{}).Detect(data) || !(Format{}).Detect(data[:100]) || (Format{}).Detect(data[:10]) {
		t.Error("the format is not detected, or in too little")
	}
	content, err := Format{}.Decode(data, password)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleItems, show(content.Items)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	for _, item := range content.Items[:2] {
		key, err := x509.ParsePKCS8PrivateKey(item.Key)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(item.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		public := key.(crypto.Signer).Public().(interface{ Equal(crypto.PublicKey) bool })
		if !public.Equal(certificate.PublicKey) {
			t.Errorf("%s: the key is not that of the certificate", item.Label)
		}
	}
}

// TestOpenSSLSeesThePair lets openssl compare the keys of the sample with their
// certificates.
func TestOpenSSLSeesThePair(t *testing.T) {
	testpeer.Need(t, "openssl")
	content, err := Format{}.Decode(sample(t, "mixed.kdb"), []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	openssl := func(input []byte, label string, arguments ...string) []byte {
		t.Helper()
		cmd := exec.Command("openssl", arguments...)
		cmd.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: input}))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl %v: %v", arguments, err)
		}
		return out
	}
	rsa, ec := content.Items[0], content.Items[1]
	for _, item := range []format.Item{rsa, ec} {
		ofKey := openssl(item.Key, "PRIVATE KEY", "pkey", "-pubout")
		ofCertificate := openssl(item.Certificate, "CERTIFICATE", "x509", "-noout", "-pubkey")
		if len(ofKey) == 0 || !bytes.Equal(ofKey, ofCertificate) {
			t.Errorf("%s: openssl sees another public key in the certificate", item.Label)
		}
	}
	ofKey := openssl(rsa.Key, "PRIVATE KEY", "rsa", "-noout", "-modulus")
	ofCertificate := openssl(rsa.Certificate, "CERTIFICATE", "x509", "-noout", "-modulus")
	if !bytes.HasPrefix(ofKey, []byte("Modulus=")) || !bytes.Equal(ofKey, ofCertificate) {
		t.Error("openssl sees another modulus in the certificate")
	}
}

// TestSampleLayout holds the facts of the format against the sample: the test's
// own parser must be right where it is used to judge what is written.
func TestSampleLayout(t *testing.T) {
	l := takeApart(t, sample(t, "mixed.kdb"), samplePassword)
	if l.version != 6 || l.name != "X509KEY" || l.slotSize != 5000 || !l.verifier || !l.integrity || !l.saltIsRight() {
		t.Errorf("header %+v", l)
	}
	if len(l.slots) != len(sampleItems) {
		t.Fatalf("%d slots", len(l.slots))
	}
	for i, s := range l.slots {
		if s.kind != 1 || s.number != uint32(i+1) || s.flags != 0 || s.label != sampleItems[i].Label || len(s.rest) != 0 {
			t.Errorf("slot %d: %d %d %d %q %x", i, s.kind, s.number, s.flags, s.label, s.rest)
		}
		checkIndex(t, s)
	}
}

// checkIndex holds the SHA-1 values of a slot against its certificate.
func checkIndex(t *testing.T, s slotLayout) {
	t.Helper()
	var r struct {
		Number int
		Choice asn1.RawValue
		Label  asn1.RawValue
		Flags  asn1.BitString
	}
	if rest, err := asn1.Unmarshal(s.der, &r); err != nil || len(rest) != 0 || r.Number != int(s.number) {
		t.Fatalf("%s: record: %v", s.label, err)
	}
	if string(r.Label.Bytes) != s.label || r.Label.Tag != 26 {
		t.Errorf("%s: label %q, tag %d, in the record", s.label, r.Label.Bytes, r.Label.Tag)
	}
	der := r.Choice.Bytes
	switch r.Choice.Tag {
	case 0, 3:
		if len(s.hashes) != 0 {
			t.Errorf("%s: a record without certificate has an index", s.label)
		}
		return
	case 2:
		var pair struct{ Certificate, Key asn1.RawValue }
		if _, err := asn1.Unmarshal(der, &pair); err != nil {
			t.Fatal(err)
		}
		der = pair.Certificate.FullBytes
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.RawValue
	}
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	serial, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	var got, want [][]byte
	for _, p := range [][]byte{parts.Signature.FullBytes, c.RawTBSCertificate, c.RawSubject, c.RawSubjectPublicKeyInfo, sequence(t, c.RawIssuer, serial)} {
		sum := sha1.Sum(p)
		want = append(want, sum[:])
	}
	got = append(got, s.hashes...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: index (-want +got):\n%s", s.label, diff)
	}
}

// TestSampleUnchanged writes what was read: not a byte is another one.
func TestSampleUnchanged(t *testing.T) {
	before := Set{KDB: sample(t, "mixed.kdb")}
	content, err := DecodeSet(before, []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	after, err := EncodeSet(content, []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after.KDB, before.KDB) {
		t.Error("what was not changed is not written as it was")
	}
	for name, data := range map[string][]byte{"X509KYP": after.RDB, "X509CRL": after.CRL} {
		if l := takeApart(t, data, samplePassword); l.version != 6 || l.name != name || len(l.slots) != 0 || !l.verifier || !l.integrity || !l.saltIsRight() || len(data) != 0x90 {
			t.Errorf("the new %s file is %+v", name, l)
		}
	}
	alone, err := Format{}.Decode(before.KDB, []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	data, err := Format{}.Encode(alone, []byte(samplePassword))
	if err != nil || !bytes.Equal(data, before.KDB) {
		t.Errorf("what was not changed is not written as it was, %v", err)
	}
	if _, err := EncodeSet(alone, []byte(samplePassword)); err == nil {
		t.Error("a set is written without the requests that it may have")
	}
}

func TestNames(t *testing.T) {
	for path, want := range map[string][2]string{
		"/etc/security/ikekey.kdb": {"/etc/security/ikekey.rdb", "/etc/security/ikekey.crl"},
		"keys":                     {"keys.rdb", "keys.crl"},
		"a.kdb/b.kdb":              {"a.kdb/b.rdb", "a.kdb/b.crl"},
	} {
		rdb, crl := Beside(path)
		if got := [2]string{rdb, crl}; got != want {
			t.Errorf("beside %s: %q; want %q", path, got, want)
		}
	}
	if got := (Format{}).Name(); got != "cms" {
		t.Errorf("the format is called %q", got)
	}
	items := []format.Item{{Kind: format.Signer}, {Kind: format.Signer}, {Label: "SIGNER"}, {Label: "signer (2)"}}
	format.NameItems(items)
	var got []string
	for _, i := range items {
		got = append(got, i.Label)
	}
	if diff := cmp.Diff([]string{"signer", "signer (2)", "SIGNER (3)", "signer (2) (2)"}, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}
