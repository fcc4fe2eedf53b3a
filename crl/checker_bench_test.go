package crl_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"keyman/crl"
	"keyman/crl/certpath"
)

// BenchmarkCheck: a chain of three certificates with RSA keys of 2,048 bits, whose
// lists are remembered: by Checker, a chain that it has never seen and the same one
// again and again; and, for comparison, by certpath without lists, and the two
// signatures alone.
func BenchmarkCheck(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	s := newShelf(b)
	root := newCAFrom(b, caTemplate("Root"), key)
	sub := root.subCA("Sub", "http://crl.test/root")
	subTemplate := *sub.cert
	sub.key = key
	sub.cert = sign(b, &subTemplate, root.cert, key, key)
	leafTemplate := *sub.issue("leaf", "http://crl.test/sub")
	leaf := sign(b, &leafTemplate, sub.cert, key, key)
	s.put("http://crl.test/root", root.list())
	s.put("http://crl.test/sub", sub.list())
	chain, policy := ders(leaf, sub.cert), crl.Policy{Anchors: ders(root.cert)}
	b.Run("checker", func(b *testing.B) {
		checker := newChecker(b, crl.CheckerConfig{Source: s})
		b.ReportAllocs()
		reportProcessorTime(b)
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
		reportProcessorTime(b)
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
	b.Run("signatures", func(b *testing.B) {
		reportProcessorTime(b)
		for b.Loop() {
			if leaf.CheckSignatureFrom(sub.cert) != nil || sub.cert.CheckSignatureFrom(root.cert) != nil {
				b.Fatal("a signature")
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
