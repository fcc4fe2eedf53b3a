package csr

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// issuer makes a CA, or what is none.
func issuer(t testing.TB, key crypto.Signer, c *BasicConstraints, v Validity) Issuer {
	t.Helper()
	template := Template{Subject: name(t, "CN=ca"), BasicConstraints: c}
	der, err := SelfSign(template, key, v)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Issuer{certificate, key}
}

// days is the validity from an hour ago on.
func days(n int) Validity {
	now := time.Now()
	return Validity{now.Add(-time.Hour), now.AddDate(0, 0, n)}
}

func TestCertify(t *testing.T) {
	by := issuer(t, ecdsaKey(t, elliptic.P256()), &BasicConstraints{CA: true}, days(10))
	key := ed25519Key(t)
	der, err := Certify(Template{Subject: name(t, "CN=gw1"), SANs: sans(t, "dns:gw1"), IKE: true, Hash: crypto.SHA512}, key.Public(), by, days(100))
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(by.Certificate); err != nil {
		t.Error(err)
	}
	switch {
	case c.SignatureAlgorithm != x509.ECDSAWithSHA512:
		t.Errorf("signed with %v", c.SignatureAlgorithm)
	case !c.NotAfter.Equal(by.Certificate.NotAfter):
		t.Errorf("it ends %v, its CA %v", c.NotAfter, by.Certificate.NotAfter)
	case string(c.AuthorityKeyId) != string(by.Certificate.SubjectKeyId):
		t.Error("another authority key identifier")
	case !c.BasicConstraintsValid || c.IsCA:
		t.Error("it does not say that it is no CA")
	case len(c.DNSNames) != 1 || c.KeyUsage != x509.KeyUsageDigitalSignature || len(c.UnknownExtKeyUsage) != 1:
		t.Error("it is not what the template says")
	}
}

func TestCertifyRefuses(t *testing.T) {
	caKey, zero := ecdsaKey(t, elliptic.P256()), 0
	by := issuer(t, caKey, &BasicConstraints{CA: true, PathLen: &zero}, days(10))
	gw1 := Template{Subject: name(t, "CN=gw1")}
	past := time.Now().AddDate(0, 0, -10)
	for what, tt := range map[string]struct {
		template Template
		public   crypto.PublicKey
		by       Issuer
		want     string
	}{
		"not a CA":           {gw1, ed25519Key(t).Public(), issuer(t, caKey, nil, days(10)), "not that of a CA"},
		"an expired CA":      {gw1, ed25519Key(t).Public(), issuer(t, caKey, &BasicConstraints{CA: true}, Validity{past, past.AddDate(0, 0, 1)}), "only"},
		"another key":        {gw1, ed25519Key(t).Public(), Issuer{by.Certificate, ed25519Key(t)}, "not that of its certificate"},
		"its own key":        {gw1, caKey.Public(), by, "the issuer's own"},
		"its own name":       {Template{Subject: name(t, "CN=CA")}, ed25519Key(t).Public(), by, "own name"},
		"a CA below":         {Template{Subject: name(t, "CN=sub"), BasicConstraints: &BasicConstraints{CA: true}}, ed25519Key(t).Public(), by, "no CA may stand below"},
		"a short key":        {gw1, rsaKey(t, 1024).Public(), by, "1024 bits"},
		"a challenge":        {Template{Subject: name(t, "CN=gw1"), Challenge: Challenge("x")}, ed25519Key(t).Public(), by, "for a request"},
		"SHA-1":              {Template{Subject: name(t, "CN=gw1"), Hash: crypto.SHA1}, ed25519Key(t).Public(), by, "SHA-1"},
		"nothing to certify": {Template{}, ed25519Key(t).Public(), by, "neither a subject"},
	} {
		if _, err := Certify(tt.template, tt.public, tt.by, days(5)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

// TestHash signs with each hash that a key knows, and refuses the others.
func TestHash(t *testing.T) {
	for what, tt := range map[string]struct {
		key  crypto.Signer
		hash crypto.Hash
		want x509.SignatureAlgorithm // zero is refused
	}{
		"RSA":                 {rsaKey(t, 2048), 0, x509.SHA256WithRSA},
		"RSA and SHA-384":     {rsaKey(t, 2048), crypto.SHA384, x509.SHA384WithRSA},
		"RSA and SHA-512":     {rsaKey(t, 2048), crypto.SHA512, x509.SHA512WithRSA},
		"RSA and SHA-1":       {rsaKey(t, 2048), crypto.SHA1, 0},
		"P-256":               {ecdsaKey(t, elliptic.P256()), 0, x509.ECDSAWithSHA256},
		"P-256 and SHA-384":   {ecdsaKey(t, elliptic.P256()), crypto.SHA384, x509.ECDSAWithSHA384},
		"P-384":               {ecdsaKey(t, elliptic.P384()), 0, x509.ECDSAWithSHA384},
		"P-521":               {ecdsaKey(t, elliptic.P521()), 0, x509.ECDSAWithSHA512},
		"P-521 and MD5":       {ecdsaKey(t, elliptic.P521()), crypto.MD5, 0},
		"Ed25519":             {ed25519Key(t), 0, x509.PureEd25519},
		"Ed25519 and SHA-256": {ed25519Key(t), crypto.SHA256, 0},
	} {
		template := Template{Subject: name(t, "CN=gw1"), Hash: tt.hash}
		request, err := Create(template, tt.key)
		certificate, errSelf := SelfSign(template, tt.key, days(1))
		if tt.want == 0 {
			if err == nil || errSelf == nil {
				t.Errorf("%s: accepted", what)
			}
			continue
		}
		if err != nil || errSelf != nil {
			t.Errorf("%s: %v, %v", what, err, errSelf)
			continue
		}
		r, err := Parse(request)
		if err != nil || r.SignatureAlgorithm != tt.want {
			t.Errorf("%s: a request signed with %v, %v", what, r.SignatureAlgorithm, err)
		}
		c, err := x509.ParseCertificate(certificate)
		if err != nil || c.SignatureAlgorithm != tt.want || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
			t.Errorf("%s: a certificate signed with %v, %v", what, c.SignatureAlgorithm, err)
		}
	}
}
