package crl_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

func bits(signature []byte) asn1.BitString {
	return asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
}

func signDigest(t testing.TB, key crypto.Signer, data []byte) []byte {
	t.Helper()
	digest := sha256.Sum256(data)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// TestSignatureAlgorithms: each algorithm, right and with one bit wrong.
func TestSignatureAlgorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256 := newKey(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		algorithm x509.SignatureAlgorithm
		key       crypto.Signer
	}{
		{x509.SHA256WithRSA, rsaKey}, {x509.SHA384WithRSA, rsaKey}, {x509.SHA512WithRSA, rsaKey},
		{x509.SHA256WithRSAPSS, rsaKey}, {x509.SHA384WithRSAPSS, rsaKey}, {x509.SHA512WithRSAPSS, rsaKey},
		{x509.ECDSAWithSHA256, p256}, {x509.ECDSAWithSHA384, p384}, {x509.ECDSAWithSHA512, p384}, {x509.PureEd25519, ed},
	} {
		ca := newCAFrom(t, caTemplate("CA"), c.key)
		der := ca.list(func(l *x509.RevocationList) { l.SignatureAlgorithm = c.algorithm })
		l := mustParse(t, der)
		if err := l.CheckSignatureFrom(ca.cert, false); err != nil {
			t.Errorf("%s: %v", c.algorithm, err)
		}
		if l.SignatureAlgorithm != c.algorithm.String() {
			t.Errorf("%s is called %s", c.algorithm, l.SignatureAlgorithm)
		}
		der[len(der)-1] ^= 1
		if err := mustParse(t, der).CheckSignatureFrom(ca.cert, true); err == nil {
			t.Errorf("%s: a wrong signature is accepted", c.algorithm)
		}
	}
}

// TestSHA1: it counts where the policy says so, and allowing the weak does not
// allow the wrong.
func TestSHA1(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ca := newCAFrom(t, caTemplate("CA"), key)
	der := resignSHA1(t, ca, ca.list())
	weak := mustParse(t, der)
	if err := weak.CheckSignatureFrom(ca.cert, false); err == nil || !strings.Contains(err.Error(), "weak") {
		t.Errorf("SHA-1 without leave: %v", err)
	}
	if err := weak.CheckSignatureFrom(ca.cert, true); err != nil {
		t.Errorf("SHA-1 with leave: %v", err)
	}
	der[len(der)-1] ^= 1
	if err := mustParse(t, der).CheckSignatureFrom(ca.cert, true); err == nil {
		t.Error("a wrong SHA-1 signature is accepted")
	}
}

// resignSHA1 signs a list anew with SHA-1 and RSA.
func resignSHA1(t testing.TB, ca *testCA, der []byte) []byte {
	t.Helper()
	sha256RSA := []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
	sha1RSA := []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05")
	var list struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &list); err != nil {
		t.Fatal(err)
	}
	list.TBS = asn1.RawValue{FullBytes: bytes.Replace(list.TBS.FullBytes, sha256RSA, sha1RSA, 1)}
	list.Algorithm = asn1.RawValue{FullBytes: bytes.Replace(list.Algorithm.FullBytes, sha256RSA, sha1RSA, 1)}
	h := crypto.SHA1.New()
	h.Write(list.TBS.FullBytes)
	signature, err := ca.key.Sign(rand.Reader, h.Sum(nil), crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	list.Signature = bits(signature)
	out, err := asn1.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCheckSignatureFrom(t *testing.T) {
	ca, twin, other := newCA(t, "CA"), newCA(t, "CA"), newCA(t, "Other")
	template := caTemplate("CA")
	template.KeyUsage = x509.KeyUsageCertSign
	noCRLs := sign(t, template, template, ca.key, ca.key)
	template = caTemplate("CA")
	template.KeyUsage = 0
	noUsage := sign(t, template, template, ca.key, ca.key)
	l := mustParse(t, ca.list())
	for _, c := range []struct {
		name   string
		issuer *x509.Certificate
		want   string
	}{
		{"the issuer", ca.cert, ""},
		{"the issuer's key without a key usage", noUsage, ""},
		{"none", nil, "another issuer"},
		{"another name", other.cert, "another issuer"},
		{"another key", twin.cert, "the list names the key"},
		{"not for lists", noCRLs, "key usage"},
	} {
		err := l.CheckSignatureFrom(c.issuer, false)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestPKITSLists: NIST's lists against the certificates of their issuers.
func TestPKITSLists(t *testing.T) {
	dir := filepath.Join(testpeer.Corpora(t), "pkits")
	for list, want := range map[string]struct{ cert, err string }{
		"GoodCACRL":             {"GoodCACert", ""},
		"TrustAnchorRootCRL":    {"GoodCACert", "another issuer"},
		"BadCRLSignatureCACRL":  {"BadCRLSignatureCACert", "signature is wrong"},
		"BadCRLIssuerNameCACRL": {"BadCRLIssuerNameCACert", "another issuer"},
		"WrongCRLCACRL":         {"WrongCRLCACert", "another issuer"},
	} {
		l := mustParse(t, readFile(t, filepath.Join(dir, "crls", list+".crl")))
		cert, err := x509.ParseCertificate(readFile(t, filepath.Join(dir, "certs", want.cert+".crt")))
		if err != nil {
			t.Fatal(err)
		}
		err = l.CheckSignatureFrom(cert, false)
		if (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: %v, want %q", list, err, want.err)
		}
	}
}
