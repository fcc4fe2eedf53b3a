package crl_test

import (
	"testing"

	"keyman/crl"
	"keyman/crl/certpath"
)

// BenchmarkCheck: a chain of three certificates with both lists remembered, by
// Checker and, for comparison, by certpath alone.
func BenchmarkCheck(b *testing.B) {
	s := newShelf(b)
	root := newCA(b, "Root")
	sub := root.subCA("Sub", "http://crl.test/root")
	leaf := sub.issue("leaf", "http://crl.test/sub")
	s.put("http://crl.test/root", root.list())
	s.put("http://crl.test/sub", sub.list())
	b.Run("checker", func(b *testing.B) {
		checker := newChecker(b, crl.CheckerConfig{Source: s})
		chain, policy := ders(leaf, sub.cert), crl.Policy{Anchors: ders(root.cert)}
		b.ReportAllocs()
		for b.Loop() {
			if v := checker.Check(b.Context(), chain, policy); !v.Accepted() {
				b.Fatal(v.Err())
			}
		}
	})
	b.Run("certpath", func(b *testing.B) {
		anchor, err := certpath.AnchorOf(mustCertificate(b, root.cert.Raw))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			o := certpath.Options{
				Anchors: []*certpath.Anchor{anchor}, Time: now,
				Intermediates: []*certpath.Certificate{mustCertificate(b, sub.cert.Raw)},
			}
			if _, err := certpath.Validate(b.Context(), mustCertificate(b, leaf.Raw), o); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func mustCertificate(tb testing.TB, der []byte) *certpath.Certificate {
	tb.Helper()
	c, err := certpath.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
