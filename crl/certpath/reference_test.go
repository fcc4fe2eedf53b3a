package certpath

import (
	"crypto/x509"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"keyman/internal/cert"
)

// TestAgainstX509 makes chains at random, with few values for everything, and
// wants the same answer as crypto/x509 gives. Self-issued certificates and names
// other than hosts are left out: it treats them otherwise.
func TestAgainstX509(t *testing.T) {
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageAny}
	hosts := []string{"test", "a.test", "b.a.test", ".test", "other"}
	accepted, refused := 0, map[Code]int{}
	rapid.Check(t, func(r *rapid.T) {
		seldom := func(what string) bool { return rapid.IntRange(0, 9).Draw(r, what) == 9 }
		often := func(what string) bool { return rapid.IntRange(0, 2).Draw(r, what) == 2 }
		draw := func(ca bool) []change {
			var changes []change
			if ca {
				changes = append(changes, isCA)
			}
			if seldom("expired") {
				changes = append(changes, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, -1) })
			}
			if seldom("extended key usage") {
				u := rapid.SampledFrom(usages).Draw(r, "usage")
				changes = append(changes, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} })
			}
			if numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 3, rapid.ID[int]).Draw(r, "policies"); len(numbers) > 0 {
				changes = append(changes, policies(numbers...))
			}
			if often("requires a policy") {
				n := rapid.ByteRange(0, 3).Draw(r, "from where")
				changes = append(changes, withExtension(cert.OIDPolicyConstraints, true, raw(string([]byte{0x30, 3, 0x80, 1, n}))))
			}
			if !ca {
				for _, h := range rapid.SliceOfN(rapid.SampledFrom(hosts[:3]), 0, 2).Draw(r, "hosts") {
					changes = append(changes, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, h) })
				}
				return changes
			}
			if seldom("no CA") {
				changes = append(changes, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 })
			} else if often("path length") {
				n := rapid.IntRange(0, 2).Draw(r, "length")
				changes = append(changes, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = n, true })
			}
			if seldom("no certificates signed") {
				changes = append(changes, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			}
			if seldom("permitted") {
				h := rapid.SampledFrom(hosts).Draw(r, "permitted host")
				changes = append(changes, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{h} })
			}
			if seldom("excluded") {
				h := rapid.SampledFrom(hosts).Draw(r, "excluded host")
				changes = append(changes, func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{h} })
			}
			if seldom("inhibits anyPolicy") {
				n := rapid.ByteRange(0, 2).Draw(r, "from where on")
				changes = append(changes, withExtension(cert.OIDInhibitAnyPolicy, true, raw(string([]byte{2, 1, n}))))
			}
			if often("mappings") {
				var pairs [][2]int
				for range rapid.IntRange(1, 3).Draw(r, "pairs") {
					pairs = append(pairs, [2]int{rapid.IntRange(1, 3).Draw(r, "from"), rapid.IntRange(1, 3).Draw(r, "to")})
				}
				changes = append(changes, mappings(pairs...))
			}
			return changes
		}
		root := newRoot(t, "Root")
		o := under(t, root)
		pool := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now}
		pool.Roots.AddCert(root.raw)
		at := root
		for i := range rapid.IntRange(0, 4).Draw(r, "CAs") {
			at = at.issue(t, fmt.Sprint("CA ", i), draw(true)...)
			o.Intermediates = append(o.Intermediates, at.own)
			pool.Intermediates.AddCert(at.raw)
		}
		leaf := at.issue(t, "leaf", draw(false)...)
		o.Purpose = Server
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 3), 0, 2, rapid.ID[int]).Draw(r, "initial") {
			o.InitialPolicies = append(o.InitialPolicies, policy(n))
			number, err := x509.ParseOID(policy(n).String())
			if err != nil {
				r.Fatal(err)
			}
			pool.CertificatePolicies = append(pool.CertificatePolicies, number)
		}
		_, err := Validate(t.Context(), leaf.own, o)
		_, want := leaf.raw.Verify(pool)
		if (err == nil) != (want == nil) {
			r.Fatalf("%v, and crypto/x509: %v", err, want)
		}
		if err == nil {
			accepted++
		} else {
			refused[CodeOf(err)]++
		}
	})
	t.Logf("%d are valid, and not: %v", accepted, refused)
}
