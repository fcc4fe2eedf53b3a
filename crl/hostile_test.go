package crl

import (
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
