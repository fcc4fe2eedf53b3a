package certpath_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"keyman/crl/certpath"
)

func TestIdentity(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0),
		Subject:  pkix.Name{CommonName: "common.test", Organization: []string{"Example"}},
		DNSNames: []string{"gw.test", "*.wild.test", "*.top"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")},
		EmailAddresses: []string{"Anna@Mail.test"}, URIs: []*url.URL{{Scheme: "https", Host: "gw.test", Path: "/a"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certpath.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"gw.test": true, "GW.Test": true, "gw.test.": true, "other.test": false, "x.gw.test": false,
		"a.wild.test": true, "a.b.wild.test": false, "wild.test": false, "x.top": false,
		"common.test": false, // a common name is no host
		"192.0.2.1":   true, "192.0.2.2": false, "2001:db8::1": true, "::ffff:192.0.2.1": true,
		"Anna@mail.TEST": true, "anna@mail.test": false, "Mail.test": false,
		"https://gw.test/a": true, "https://gw.test/A": false, "https://gw.test": false,
		"O=Example, CN=common.test": true, "o=EXAMPLE, cn=Common.Test": true, "CN=common.test": false,
	} {
		id, err := certpath.ParseIdentity(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := id.In(c); got != want || id.String() != text {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
	for _, text := range []string{"", "two words", "@x.test", "a@", "X=", "=x", "*.test", "a@b c"} {
		if id, err := certpath.ParseIdentity(text); err == nil {
			t.Errorf("%q is %v", text, id)
		}
	}
	if (certpath.Identity{}).In(c) {
		t.Error("nobody is somebody")
	}
}
