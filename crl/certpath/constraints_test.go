package certpath

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/netip"
	"testing"

	"keyman/internal/cert"
)

// directory encodes a name of an O and perhaps a CN.
func directory(t testing.TB, attributes ...string) []byte {
	t.Helper()
	name := pkix.Name{}
	for i, text := range attributes {
		oid := asn1.ObjectIdentifier{2, 5, 4, 10}
		if i == 1 {
			oid = asn1.ObjectIdentifier{2, 5, 4, 3}
		}
		name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{Type: oid, Value: text})
	}
	encoded, err := asn1.Marshal(name.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestConstraintTable compares one name with one constraint; what RFC 5280,
// 4.2.1.10, and practice say about each kind.
func TestConstraintTable(t *testing.T) {
	subnet := func(prefix string) string {
		p := netip.MustParsePrefix(prefix)
		size := p.Addr().BitLen()
		mask := make([]byte, size/8)
		for i := range p.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		return string(append(p.Addr().AsSlice(), mask...))
	}
	ip := func(text string) string { return string(netip.MustParseAddr(text).AsSlice()) }
	dir := func(attributes ...string) string { return string(directory(t, attributes...)) }
	const yes, no = true, false
	for _, tc := range []struct {
		kind             cert.NameKind
		constraint, name string
		// Whether a name that only this constraint permits is valid, and one
		// that it alone excludes.
		permitted, excluded bool
	}{
		{cert.DNSName, "example.com", "example.com", yes, no},
		{cert.DNSName, "example.com", "EXAMPLE.com", yes, no},
		{cert.DNSName, "Example.COM", "www.example.com", yes, no},
		{cert.DNSName, "example.com", "a.b.example.com", yes, no},
		{cert.DNSName, "example.com", "badexample.com", no, yes},
		{cert.DNSName, "example.com", "com", no, yes},
		{cert.DNSName, "example.com", "example.org", no, yes},
		{cert.DNSName, ".example.com", "www.example.com", yes, no},
		{cert.DNSName, ".example.com", "example.com", no, yes},
		{cert.DNSName, ".example.com", "www.badexample.com", no, yes},
		{cert.DNSName, "", "example.com", yes, no},
		{cert.DNSName, "com", "example.com", yes, no},
		{cert.DNSName, "example.com", "*.example.com", yes, no},
		{cert.DNSName, "www.example.com", "*.example.com", no, no}, // stands for some that are excluded, and for others
		{cert.DNSName, "a.www.example.com", "*.example.com", no, yes},
		{cert.DNSName, ".www.example.com", "*.example.com", no, yes},
		{cert.DNSName, "example.org", "*.example.com", no, yes},
		{cert.DNSName, "example.com", "host_1.example.com", yes, no},
		// What is no host keeps no constraint.
		{cert.DNSName, "example.com", "www.example.com.", no, no},
		{cert.DNSName, "example.com", ".example.com", no, no},
		{cert.DNSName, "example.com", "", no, no},
		{cert.DNSName, "example.com", "a..example.com", no, no},
		{cert.DNSName, "example.com", "a b.example.com", no, no},
		{cert.DNSName, "example.com", "www.example.com\x00.example.org", no, no},
		{cert.DNSName, "example.com", "b\xfccher.example.com", no, no},
		{cert.DNSName, "example.com", "a.*.example.com", no, no},
		// And what is no constraint is kept by no name.
		{cert.DNSName, ".", "example.com", no, no},
		{cert.DNSName, "*.example.com", "www.example.com", no, no},
		{cert.DNSName, "example.com.", "example.com", no, no},
		{cert.DNSName, "..example.com", "a.example.com", no, no},

		{cert.IPAddress, subnet("10.0.0.0/8"), ip("10.1.2.3"), yes, no},
		{cert.IPAddress, subnet("10.0.0.0/8"), ip("11.1.2.3"), no, yes},
		{cert.IPAddress, subnet("10.1.2.3/32"), ip("10.1.2.3"), yes, no},
		{cert.IPAddress, subnet("10.1.2.3/32"), ip("10.1.2.4"), no, yes},
		{cert.IPAddress, subnet("0.0.0.0/0"), ip("10.1.2.4"), yes, no},
		{cert.IPAddress, subnet("0.0.0.0/0"), ip("2001:db8::1"), no, yes},
		{cert.IPAddress, subnet("192.0.2.128/25"), ip("192.0.2.127"), no, yes},
		{cert.IPAddress, subnet("2001:db8::/33"), ip("2001:db8:7fff::1"), yes, no},
		{cert.IPAddress, subnet("2001:db8::/33"), ip("2001:db8:8000::1"), no, yes},
		{cert.IPAddress, "\x0a\x01\x02\x03\xff\x00\x00\x00", ip("10.9.9.9"), yes, no}, // bits of the host are left out
		{cert.IPAddress, "\x0a\x00\x00\x00\xff\x00\xff\x00", ip("10.1.2.3"), no, no},  // a mask with a hole
		{cert.IPAddress, "\x0a\x00\x00\x00\xfd\x00\x00\x00", ip("10.1.2.3"), no, no},
		{cert.IPAddress, "\x0a\x00\x00\x00", ip("10.1.2.3"), no, no},
		{cert.IPAddress, "", ip("10.1.2.3"), no, no},
		{cert.IPAddress, subnet("10.0.0.0/8"), "\x0a\x01\x02", no, no},
		{cert.IPAddress, subnet("10.0.0.0/8"), "\x0a\x01\x02\x03\xff\xff\xff\xff", no, no},

		{cert.RFC822Name, "example.com", "joe@example.com", yes, no},
		{cert.RFC822Name, "example.com", "joe@EXAMPLE.com", yes, no},
		{cert.RFC822Name, "example.com", "joe@mail.example.com", no, yes},
		{cert.RFC822Name, ".example.com", "joe@mail.example.com", yes, no},
		{cert.RFC822Name, ".example.com", "joe@example.com", no, yes},
		{cert.RFC822Name, "joe@example.com", "joe@example.com", yes, no},
		{cert.RFC822Name, "joe@example.com", "joe@Example.com", yes, no},
		{cert.RFC822Name, "joe@example.com", "Joe@example.com", no, yes},
		{cert.RFC822Name, "joe@example.com", `"joe"@example.com`, yes, no},
		{cert.RFC822Name, "joe@example.com", `"j\oe"@example.com`, yes, no},
		{cert.RFC822Name, "joe@example.com", "ann@example.com", no, yes},
		{cert.RFC822Name, "example.com", `"a@b"@example.com`, yes, no},
		{cert.RFC822Name, "example.com", "a@b@example.com", no, no},
		{cert.RFC822Name, "example.com", "example.com", no, no},
		{cert.RFC822Name, "example.com", "@example.com", no, no},
		{cert.RFC822Name, "example.com", "joe@", no, no},
		{cert.RFC822Name, "example.com", "joe\r\n@example.com", no, no},
		{cert.RFC822Name, "example.com", `"joe@example.com`, no, no},
		{cert.RFC822Name, "example.com", `"jo"e"@example.com`, no, no},
		{cert.RFC822Name, "example.com", `"joe\"@example.com`, no, no},
		{cert.RFC822Name, "example.com", "joe@*.example.com", no, no},
		{cert.RFC822Name, "", "joe@example.com", no, no},
		{cert.RFC822Name, "joe@", "joe@example.com", no, no},

		{cert.URIName, "example.com", "http://example.com/a", yes, no},
		{cert.URIName, "example.com", "https://user@EXAMPLE.com:8443/a?b#c", yes, no},
		{cert.URIName, "example.com", "http://www.example.com/", no, yes},
		{cert.URIName, ".example.com", "http://www.example.com/", yes, no},
		{cert.URIName, ".example.com", "http://example.com/", no, yes},
		{cert.URIName, "example.com", "http://example.org/example.com", no, yes},
		{cert.URIName, "example.com", "http://example.org?@example.com", no, yes},
		{cert.URIName, "example.com", "http://example.com@example.org/", no, yes},
		{cert.URIName, "example.com", `http://example.org\@example.com/`, no, no},
		{cert.URIName, "example.com", "http://10.1.2.3/", no, no},
		{cert.URIName, "example.com", "http://[2001:db8::1]/", no, no},
		{cert.URIName, "example.com", "urn:uuid:1", no, no},
		{cert.URIName, "example.com", "/example.com", no, no},
		{cert.URIName, "example.com", "mailto:joe@example.com", no, no},
		{cert.URIName, "example.com", "http:///a", no, no},
		{cert.URIName, "example.com", "http://exam ple.com/", no, no},
		{cert.URIName, "", "http://example.com/", no, no},

		{cert.DirectoryName, dir("Example"), dir("Example"), yes, no},
		{cert.DirectoryName, dir("Example"), dir("EXAMPLE ", "gw"), yes, no},
		{cert.DirectoryName, dir("Example"), dir("Example Ltd", "gw"), no, yes},
		{cert.DirectoryName, dir("Example", "gw"), dir("Example"), no, yes},
		{cert.DirectoryName, dir(), dir("Example"), yes, no},
		{cert.DirectoryName, dir("Example"), "\x30\x02\x05\x00", no, no},
		{cert.DirectoryName, "\x30\x02\x05\x00", dir("Example"), no, no},

		// Kinds that are not processed.
		{cert.OtherName, "", "", no, no},
		{cert.RegisteredID, "\x2a", "\x2a\x03", no, no},
		{cert.EDIPartyName, "", "", no, no},
		{cert.X400Address, "", "", no, no},
	} {
		base := cert.Subtree{Base: cert.GeneralName{Kind: tc.kind, Value: []byte(tc.constraint)}}
		n := &node{cert: &cert.Certificate{}, altNames: []cert.GeneralName{{Kind: tc.kind, Value: []byte(tc.name)}}}
		for what, c := range map[string]struct {
			constraints cert.NameConstraints
			want        bool
		}{
			"permitted": {cert.NameConstraints{Permitted: []cert.Subtree{base}}, tc.permitted},
			"excluded":  {cert.NameConstraints{Excluded: []cert.Subtree{base}}, tc.excluded},
		} {
			if f := permits(compile(&c.constraints), n, new(int)); (f == nil) != c.want {
				t.Errorf("%s %q, %s %q: %v", what, tc.constraint, tc.kind, tc.name, f)
			}
		}
	}
}

// TestConstraints: what is constrained, and by whom.
func TestConstraints(t *testing.T) {
	dns := func(hosts ...string) (names []cert.GeneralName) {
		for _, h := range hosts {
			names = append(names, cert.GeneralName{Kind: cert.DNSName, Value: []byte(h)})
		}
		return names
	}
	mail := func(address string) cert.GeneralName {
		return cert.GeneralName{Kind: cert.RFC822Name, Value: []byte(address)}
	}
	address := func(text string) change {
		return func(c *x509.Certificate) {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: text})
		}
	}
	none := func(*x509.Certificate) {}
	exampleMail := constraintsOn([]cert.GeneralName{mail("example.com")}, nil)
	for _, tc := range []struct {
		what           string
		upper, ca, end change
		want           Code
	}{
		{"none", none, none, altNames(dns("a.test")...), ""},
		{"permitted by both", constraintsOn(dns("test"), nil), constraintsOn(dns("a.test"), nil), altNames(dns("x.a.test")...), ""},
		{"permitted by the lower only", constraintsOn(dns("b.test"), nil), constraintsOn(dns("a.test"), nil), altNames(dns("x.a.test")...), CodeNameConstraint},
		{"the lower cannot widen", constraintsOn(dns("a.test"), nil), constraintsOn(dns("test"), nil), altNames(dns("b.test")...), CodeNameConstraint},
		{"one of two", constraintsOn(dns("a.test", "b.test"), nil), none, altNames(dns("b.test", "a.test")...), ""},
		{"one name of two", constraintsOn(dns("a.test"), nil), none, altNames(dns("a.test", "b.test")...), CodeNameConstraint},
		{"excluded within permitted", constraintsOn(dns("test"), dns("a.test")), none, altNames(dns("a.test")...), CodeNameConstraint},
		{"beside the excluded", constraintsOn(dns("test"), dns("a.test")), none, altNames(dns("b.test")...), ""},
		{"another kind", constraintsOn(dns("test"), nil), none, altNames(mail("joe@example.com")), ""},
		{"no such name", constraintsOn(dns("test"), nil), none, none, ""},
		{"a CA's name", constraintsOn(dns("test"), nil), altNames(dns("a.example")...), none, CodeNameConstraint},
		{"a kind that is not known", constraintsOn([]cert.GeneralName{{Kind: cert.RegisteredID, Value: []byte("\x2a")}}, nil), none, none, ""},
		{"a name of that kind", constraintsOn([]cert.GeneralName{{Kind: cert.RegisteredID, Value: []byte("\x2a")}}, nil), none,
			altNames(cert.GeneralName{Kind: cert.RegisteredID, Value: []byte("\x2a\x03")}), CodeNameConstraint},
		{"an address in the subject", exampleMail, none, address("joe@example.com"), ""},
		{"a wrong one", exampleMail, none, address("joe@example.org"), CodeNameConstraint},
		{"a subject alternative name goes before", exampleMail, none, func(c *x509.Certificate) {
			address("joe@example.org")(c)
			altNames(mail("joe@example.com"))(c)
		}, ""},
		{"of another kind it does not", exampleMail, none, func(c *x509.Certificate) {
			address("joe@example.org")(c)
			altNames(dns("a.test")...)(c)
		}, CodeNameConstraint},
		{"a broken extension", withExtension(cert.OIDNameConstraints, true, raw("\x30\x00")), none, none, CodeMalformed},
		{"a minimum", withExtension(cert.OIDNameConstraints, true, raw("\x30\x0d\xa0\x0b\x30\x09\x82\x04test\x80\x01\x01")), none, altNames(dns("a.test")...), CodeNameConstraint},
	} {
		root := newRoot(t, "Root")
		upper := root.issueCA(t, "Upper", tc.upper)
		ca := upper.issueCA(t, "CA", tc.ca)
		validate(t, tc.what, ca.issue(t, "leaf", tc.end), under(t, root, upper, ca), tc.want)
	}
	// A self-issued CA is not constrained, a self-issued leaf is.
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA", constraintsOn([]cert.GeneralName{{Kind: cert.DirectoryName, Value: directory(t, "Example")}}, nil))
	next := ca.sign(t, entityOf(t, "CA"), isCA)
	inside := func(c *x509.Certificate) { c.RawSubject = directory(t, "Example", "gw") }
	validate(t, "a self-issued CA", next.issue(t, "leaf", inside), under(t, root, ca, next), "")
	validate(t, "a self-issued leaf", next, under(t, root, ca), CodeNameConstraint)
}

// TestNameLimit: MaxNameChecks comparisons are made, and no more.
func TestNameLimit(t *testing.T) {
	const names = 1000
	var subtrees []cert.Subtree
	n := &node{cert: &cert.Certificate{}}
	for i := range names {
		n.altNames = append(n.altNames, cert.GeneralName{Kind: cert.DNSName, Value: fmt.Appendf(nil, "h%d.test", i)})
	}
	for i := range MaxNameChecks / names {
		subtrees = append(subtrees, cert.Subtree{Base: cert.GeneralName{Kind: cert.DNSName, Value: fmt.Appendf(nil, "x%d.test", i)}})
	}
	checks := 0
	all := compile(&cert.NameConstraints{Excluded: subtrees})
	if f := permits(all, n, &checks); f != nil || checks != MaxNameChecks {
		t.Errorf("%d comparisons: %v", checks, f)
	}
	if f := permits(all, n, &checks); f == nil || f.Code != CodeLimit {
		t.Errorf("one more: %v", f)
	}
}
