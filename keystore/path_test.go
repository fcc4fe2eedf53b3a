package keystore

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
	"time"

	"keyman/crl/certpath"
)

// TestReceiveCrossCertified follows every certificate of a CA that others have
// certified, too, in whatever order they came.
func TestReceiveCrossCertified(t *testing.T) {
	root, stranger := newAuthority(t, "root", nil), newAuthority(t, "stranger", nil)
	sub := newAuthority(t, "sub", root)
	crossed := issue(t, "sub", sub.key.Public(), true, stranger, nil)
	for name, order := range map[string][][]byte{"wrong first": {crossed, sub.der}, "right first": {sub.der, crossed}} {
		for _, there := range []bool{false, true} {
			s := newStore(t)
			if _, err := s.AddSigner("root", root.der, true); err != nil {
				t.Fatal(err)
			}
			if there {
				if _, err := s.AddSigner("crossed", crossed, false); err != nil {
					t.Fatal(err)
				}
			}
			certificate := certify(t, sub, request(t, s, "waiting"))
			e, err := s.Receive(append([][]byte{certificate}, order...), "", certpath.Between)
			if err != nil || e.Kind != Personal {
				t.Errorf("%s, one of them there already %v: %v", name, there, err)
				continue
			}
			if !s.has(sub.der) || s.has(crossed) != there {
				t.Errorf("%s: the CA of the path is here %v, the other one %v", name, s.has(sub.der), s.has(crossed))
			}
		}
	}
}

// TestReceiveInvalidPath refuses a path that names and signatures would allow (RFC
// 5280, 6.1), and takes a certificate that was valid while it was.
func TestReceiveInvalidPath(t *testing.T) {
	root := newAuthority(t, "root", nil)
	now := time.Now()
	with := func(change func(*x509.Certificate)) *authority {
		a := &authority{key: newKey(t)}
		a.der = issueWith(t, "sub", a.key.Public(), root, nil, func(c *x509.Certificate) {
			c.IsCA = true
			change(c)
		})
		return a
	}
	ended := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(-3*time.Hour), now.Add(-2*time.Hour) }
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	tests := map[string]struct {
		sub  *authority
		leaf func(*x509.Certificate)
		want string // "" is received
	}{
		"a CA that has ended":           {with(ended), func(*x509.Certificate) {}, "has expired"},
		"a CA for other names":          {with(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.org"} }), func(c *x509.Certificate) { c.DNSNames = []string{"gw.example.com"} }, "name"},
		"a CA that signs lists only":    {with(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), func(*x509.Certificate) {}, "not for this use"},
		"a CA with what nobody knows":   {with(critical), func(*x509.Certificate) {}, "critical"},
		"what nobody knows":             {with(func(*x509.Certificate) {}), critical, "critical"},
		"one that has ended":            {with(func(*x509.Certificate) {}), func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }, ""},
		"one that is not yet valid":     {with(func(*x509.Certificate) {}), func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) }, ""},
		"one for the names of the CA's": {with(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.org"} }), func(c *x509.Certificate) { c.DNSNames = []string{"gw.example.org"} }, ""},
	}
	for name, test := range tests {
		s := newStore(t)
		if _, err := s.AddSigner("root", root.der, true); err != nil {
			t.Fatal(err)
		}
		public := request(t, s, "waiting").mustPublic(t)
		leaf := issueWith(t, "waiting", public, test.sub, nil, test.leaf)
		_, err := s.Receive([][]byte{leaf, test.sub.der}, "", certpath.Between)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (!errors.Is(err, ErrPath) || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v; want %v with %q", name, err, ErrPath, test.want)
		case test.want != "" && labels(s) != "root,waiting":
			t.Errorf("%s: left are %s", name, labels(s))
		}
	}
}
