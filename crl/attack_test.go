package crl_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"

	"keyman/crl"
)

// everywhere are as many distribution points as a certificate may have, each with as
// many names.
func everywhere(at string) []pointOf {
	const many = 64
	var all []pointOf
	for i := range many {
		var p pointOf
		for j := range many {
			p.full = append(p.full, fmt.Sprintf("http://%s/%d/%d", at, i, j))
		}
		all = append(all, p)
	}
	return all
}

// TestManyPlaces: neither a certificate nor a list sends this machine to thousands of
// places. The list is found all the same where it is among the first.
func TestManyPlaces(t *testing.T) {
	ca := newCA(t, "CA")
	leaf := ca.issueWith(points(everywhere("crl.test")...))
	s := newShelf(t)
	check := func() crl.Verdict {
		return newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca.cert)})
	}
	v := check()
	if v.Status != crl.StatusUndetermined || len(s.asked) > crl.MaxPlaces || len(v.Reasons) > crl.MaxPlaces+8 {
		t.Errorf("%s: %d places were asked, %d reasons", v.Status, len(s.asked), len(v.Reasons))
	}
	if last := v.Err(); last == nil || !strings.Contains(last.Error(), "more than 64 places are named") {
		t.Errorf("%v", last)
	}
	s.asked = nil
	s.put("http://crl.test/0/60", ca.list())
	if v := check(); v.Status != crl.StatusGood {
		t.Errorf("%s: %+v", v.Status, v.Reasons)
	}

	// The same by the places of delta lists, which the complete list names.
	s.asked = nil
	s.put("http://crl.test/0/0", ca.list(withExtension("2.5.29.46", false, pointsValue(t, everywhere("delta.test")...))))
	if v := check(); v.Status != crl.StatusGood || len(s.asked) > crl.MaxPlaces {
		t.Errorf("%s: %d places were asked", v.Status, len(s.asked))
	}
}

// TestFreshestCircle: a complete list that names itself as the place of its delta
// lists, and a delta list that names the complete one and itself, are asked for once.
func TestFreshestCircle(t *testing.T) {
	ca := newCA(t, "CA")
	leaf := ca.issue("leaf", "http://crl.test/complete")
	freshest := withExtension("2.5.29.46", false, pointsValue(t, pointOf{full: []string{"http://crl.test/complete"}}, pointOf{full: []string{"http://crl.test/delta"}}))
	s := newShelf(t)
	s.put("http://crl.test/complete", ca.list(freshest))
	s.put("http://crl.test/delta", ca.list(numbered(8), freshest, withExtension("2.5.29.27", true, []byte{2, 1, 7}), revoking(crl.KeyCompromise, leaf)))
	v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca.cert)})
	if v.Status != crl.StatusRevoked || len(s.asked) > 3 {
		t.Errorf("%s: asked %q: %+v", v.Status, s.asked, v.Reasons)
	}
}

// TestSignersElsewhere: lists whose signers are told about by lists of others, and
// these by those of others again, with every list at places of their own: what is
// asked is bounded by the signers that are tried, and by the places of each.
func TestSignersElsewhere(t *testing.T) {
	const signers = 12
	root := newCA(t, "Root")
	s := newShelf(t)
	all := everywhere("crl.test")[:8]
	var chain []*x509.Certificate
	for i := range signers {
		next := caTemplate(fmt.Sprint("Signer ", (i+1)%signers))
		var mine []pointOf
		for _, p := range all {
			mine = append(mine, pointOf{full: p.full, issuer: rawName(t, next.Subject.CommonName)})
		}
		signer := newSigner(t, root, fmt.Sprint("Signer ", i), points(mine...))
		chain = append(chain, signer.cert)
		for _, p := range all {
			s.put(p.full[i%len(p.full)], signer.list(scoped(pointOf{full: p.full, indirect: true})))
		}
	}
	leaf := root.issueWith(points(pointOf{full: all[0].full, issuer: rawName(t, "Signer 0")}))
	v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), append(ders(leaf), ders(chain...)...), crl.Policy{Anchors: ders(root.cert)})
	if v.Status != crl.StatusUndetermined || len(s.asked) > crl.MaxPlaces {
		t.Errorf("%s: %d places were asked", v.Status, len(s.asked))
	}
	words := 0
	for _, r := range v.Reasons {
		words += len(r.Text)
	}
	if words > 64<<10 {
		t.Errorf("%d reasons with %d bytes of text", len(v.Reasons), words)
	}
}

// pointsValue is the value of the extension that points makes.
func pointsValue(t *testing.T, all ...pointOf) []byte {
	t.Helper()
	var c x509.Certificate
	points(all...)(&c)
	return c.ExtraExtensions[0].Value
}

// rawName is the DER of a name with a common name only.
func rawName(t *testing.T, commonName string) string {
	t.Helper()
	name, err := asn1.Marshal(pkix.Name{CommonName: commonName}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	return string(name)
}
