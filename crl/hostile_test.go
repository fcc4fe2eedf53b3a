package crl

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // certificates have such keys
	"crypto/ecdh"
	"crypto/x509"
	"math/big"
	"net/url"
	"testing"

	"keyman/internal/cert"
)

// FuzzPoints: distribution points come from certificates of others.
func FuzzPoints(f *testing.F) {
	f.Add([]byte("\x30\x0f\x30\x0d\xa0\x0b\xa0\x09\x86\x07ldap://"))
	f.Add([]byte("\x30\x10\x30\x0e\xa0\x06\xa0\x04\x86\x02h:\x81\x02\x06\x40\xa2\x00"))
	f.Add([]byte("\x30\x06\x30\x04\xa0\x02\xa1\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parsePoints(data)
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d points and error %v", len(all), err)
		}
		freshest(data)
	})
}

// FuzzLDAPURL: so do URLs.
func FuzzLDAPURL(f *testing.F) {
	f.Add("ldap:///CN=CA,CN=CDP,DC=x?certificateRevocationList?base?objectClass=cRLDistributionPoint")
	f.Add("ldaps://[::1]:3636/cn=%2Cca?a;binary,b?sub?(&(cn=x)(!(o=y)))?e-bindname=x")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		q, err := parseLDAPURL(u)
		if err == nil && (q.filter == "" || len(q.attributes) == 0 || q.tls && q.server == "") {
			t.Errorf("%q gives %+v", text, q)
		}
	})
}

// FuzzScope: and scopes come from lists, before their signature was verified.
func FuzzScope(f *testing.F) {
	f.Add([]byte("\x30\x12\xa0\x0d\xa0\x0b\x86\x09http://h/\x82\x01\xff"))
	f.Add([]byte("\x30\x04\x83\x02\x06\x40"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := cert.ParseIssuingDistributionPoint(data)
		if err != nil {
			return
		}
		if s, err := newScope(p); err == nil && s.String() == "" {
			t.Error("a scope without words")
		}
	})
}

func TestMayCertify(t *testing.T) {
	permits := &x509.Certificate{PermittedEmailAddresses: []string{"x.test"}}
	excludes := &x509.Certificate{ExcludedEmailAddresses: []string{"x.test"}}
	for _, c := range []struct {
		ca      *x509.Certificate
		address string
		want    bool
	}{
		{&x509.Certificate{}, "a@y.test", true}, {&x509.Certificate{}, "", true},
		{permits, "a@x.test", true}, {permits, "a@y.test", false}, {permits, "", false},
		{excludes, "a@x.test", false}, {excludes, "a@y.test", true}, {excludes, "", false},
	} {
		if got := mayCertify(c.ca, c.address); got != c.want {
			t.Errorf("%+q %+q %q: %v", c.ca.PermittedEmailAddresses, c.ca.ExcludedEmailAddresses, c.address, got)
		}
	}
}

func TestEmailMatches(t *testing.T) {
	for _, c := range []struct {
		constraint, address string
		want                bool
	}{
		{"a@x.test", "a@X.test", true}, {"a@x.test", "A@x.test", false}, {"a@x.test", "b@x.test", false},
		{"x.test", "a@x.test", true}, {"x.test", "a@mail.x.test", false}, {"x.test", "x.test", false},
		{".x.test", "a@mail.x.test", true}, {".x.test", "a@x.test", false}, {".x.test", "a@evilx.test", false},
		{"", "a@x.test", false}, {"x.test", "", false},
	} {
		if got := emailMatches(c.constraint, c.address); got != c.want {
			t.Errorf("%q and %q: %v", c.constraint, c.address, got)
		}
	}
}

// TestKeyWeakness: keys that crypto/x509 reads and that tests cannot sign with.
func TestKeyWeakness(t *testing.T) {
	dsaKey := func(bits int) *dsa.PublicKey {
		return &dsa.PublicKey{Parameters: dsa.Parameters{P: new(big.Int).SetBit(big.NewInt(1), bits-1, 1)}}
	}
	for _, c := range []struct {
		name            string
		key             crypto.PublicKey
		strict, lenient string
	}{
		{"DSA 2048", dsaKey(2048), "", ""},
		{"DSA 1024", dsaKey(1024), "DSA with 1024 bits, and not 2048", ""},
		{"DSA 512", dsaKey(512), "DSA with 512 bits, and not 2048", "DSA with 512 bits, and not 1024"},
		{"X25519", &ecdh.PublicKey{}, "it is of a kind that is not known here", "it is of a kind that is not known here"},
		{"none", nil, "it is of a kind that is not known here", "it is of a kind that is not known here"},
	} {
		if got := keyWeakness(c.key, false); got != c.strict {
			t.Errorf("%s: %q, want %q", c.name, got, c.strict)
		}
		if got := keyWeakness(c.key, true); got != c.lenient {
			t.Errorf("%s, weak allowed: %q, want %q", c.name, got, c.lenient)
		}
	}
}
