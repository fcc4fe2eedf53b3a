package crl_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"keyman/crl"
	"keyman/internal/dn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a Source whose lists lie in memory.
type shelf struct {
	t     testing.TB
	mu    sync.Mutex
	lists map[string][][]byte // by URL, or "issuer " and its name
	asked []string
}

func newShelf(t testing.TB) *shelf { return &shelf{t: t, lists: map[string][][]byte{}} }

// put lays lists at a place and returns the place.
func (s *shelf) put(place string, lists ...[]byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[place] = lists
	return place
}

func (s *shelf) Lists(_ context.Context, url string) ([]*crl.List, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, url)
	if s.lists[url] == nil {
		return nil, errors.New("nothing on the shelf")
	}
	var all []*crl.List
	for _, der := range s.lists[url] {
		l := mustParse(s.t, der)
		l.Source = url
		all = append(all, l)
	}
	return all, nil
}

func (s *shelf) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*crl.List, error) {
	place := "issuer " + issuer.String()
	s.mu.Lock()
	missing := s.lists[place] == nil
	s.mu.Unlock()
	if missing {
		return nil, crl.ErrNoDirectory
	}
	return s.Lists(ctx, place)
}

func newChecker(t testing.TB, config crl.CheckerConfig) *crl.Checker {
	t.Helper()
	if config.Clock == nil {
		config.Clock = func() time.Time { return now }
	}
	c, err := crl.NewChecker(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// codes returns the reasons in short: "severity code", in order.
func codes(v crl.Verdict) []string {
	all := []string{}
	for _, r := range v.Reasons {
		all = append(all, fmt.Sprintf("%s %s", r.Severity, r.Code))
	}
	return all
}

// A checkCase is one check with its expected verdict.
type checkCase struct {
	name   string
	chain  []*x509.Certificate
	mode   crl.Revocation
	status crl.Status
	codes  []string
}

func (c checkCase) run(t *testing.T, checker *crl.Checker, anchors ...*x509.Certificate) {
	t.Helper()
	v := checker.Check(t.Context(), ders(c.chain...), crl.Policy{Anchors: ders(anchors...), Revocation: c.mode})
	if v.Status != c.status || !slices.Equal(codes(v), c.codes) {
		t.Errorf("%s: %s %q, want %s %q", c.name, v.Status, codes(v), c.status, c.codes)
		for _, r := range v.Reasons {
			t.Log(r.Text)
		}
	}
	if v.Accepted() != (v.Err() == nil) {
		t.Errorf("%s: Accepted and Err contradict each other", c.name)
	}
}

func TestCheck(t *testing.T) {
	const at = "http://crl.test/"
	s := newShelf(t)
	ca := newCA(t, "CA")
	good, bad := ca.issue("good", at+"ca"), ca.issue("bad", at+"ca")
	held, lifted := ca.issue("held", at+"ca"), ca.issue("lifted", at+"ca")
	s.put(at+"ca", ca.list(revoking(crl.KeyCompromise, bad), revoking(crl.CertificateHold, held), revoking(crl.RemoveFromCRL, lifted)))
	silent := ca.issue("silent")

	dead := ca.issue("dead", at+"dead")
	second := ca.issue("second", at+"dead", at+"ca")
	viaLDAP := ca.issue("order", "ldap://dir.test/cn=CA?certificateRevocationList", at+"ca")
	s.put("ldap://dir.test/cn=CA?certificateRevocationList", ca.list())
	ftp := ca.issue("ftp", "ftp://crl.test/ca")

	old, oldBad := ca.issue("old", at+"old"), ca.issue("oldbad", at+"old")
	s.put(at+"old", ca.list(dated(-9, -2), revoking(crl.Superseded, oldBad)))
	early := ca.issue("early", at+"early")
	s.put(at+"early", ca.list(dated(1, 9)))

	twin := newCA(t, "CA") // the same name, another key
	other := newCA(t, "Other CA")
	forged, foreign := ca.issue("forged", at+"forged"), ca.issue("foreign", at+"foreign")
	s.put(at+"forged", twin.list())
	s.put(at+"foreign", other.list())
	byTwin := twin.issue("bytwin", at+"ca")

	critical, noted := ca.issue("critical", at+"critical"), ca.issue("noted", at+"noted")
	s.put(at+"critical", ca.list(withExtension("1.2.3.4", true, []byte{5, 0})))
	s.put(at+"noted", ca.list(withExtension("1.2.3.4", false, []byte{5, 0})))

	sub := ca.subCA("Sub CA", at+"ca")
	below := sub.issue("below", at+"sub")
	s.put(at+"sub", sub.list())
	revokedSub := ca.subCA("Revoked CA", at+"subs")
	belowRevoked := revokedSub.issue("below revoked", at+"rsub")
	s.put(at+"subs", ca.list(revoking(crl.CACompromise, revokedSub.cert)))
	s.put(at+"rsub", revokedSub.list())

	stranger := other.issue("stranger", at+"stranger")
	checker := newChecker(t, crl.CheckerConfig{Source: s})
	for _, c := range []checkCase{
		{"good", []*x509.Certificate{good}, crl.Strict, crl.StatusGood, []string{"note checked"}},
		{"the anchor sent along", []*x509.Certificate{good, ca.cert}, crl.Strict, crl.StatusGood, []string{"note checked"}},
		{"revoked", []*x509.Certificate{bad}, crl.Strict, crl.StatusRevoked, []string{"fatal revoked"}},
		{"revoked under relaxed", []*x509.Certificate{bad}, crl.Relaxed, crl.StatusRevoked, []string{"fatal revoked"}},
		{"revoked under ifuri", []*x509.Certificate{bad}, crl.IfURI, crl.StatusRevoked, []string{"fatal revoked"}},
		{"revoked under off", []*x509.Certificate{bad}, crl.Off, crl.StatusGood, []string{"note unchecked"}},
		{"an unknown policy is strict", []*x509.Certificate{dead}, crl.Revocation(9), crl.StatusUndetermined, []string{"fatal crl-unavailable"}},
		{"on hold", []*x509.Certificate{held}, crl.Strict, crl.StatusRevoked, []string{"fatal revoked"}},
		{"hold lifted", []*x509.Certificate{lifted}, crl.Strict, crl.StatusGood, []string{"note checked"}},

		{"no source, strict", []*x509.Certificate{silent}, crl.Strict, crl.StatusUndetermined, []string{"fatal no-source"}},
		{"no source, ifuri", []*x509.Certificate{silent}, crl.IfURI, crl.StatusGood, []string{"note no-source", "warning unchecked"}},
		{"no source, relaxed", []*x509.Certificate{silent}, crl.Relaxed, crl.StatusGood, []string{"note no-source", "warning unchecked"}},
		{"dead source, strict", []*x509.Certificate{dead}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-unavailable"}},
		{"dead source, ifuri", []*x509.Certificate{dead}, crl.IfURI, crl.StatusUndetermined, []string{"fatal crl-unavailable"}},
		{"dead source, relaxed", []*x509.Certificate{dead}, crl.Relaxed, crl.StatusGood, []string{"note crl-unavailable", "warning unchecked"}},
		{"the second source answers", []*x509.Certificate{second}, crl.Strict, crl.StatusGood, []string{"note crl-unavailable", "note checked"}},
		{"unknown scheme", []*x509.Certificate{ftp}, crl.Strict, crl.StatusUndetermined, []string{"fatal no-source"}},
		{"unknown scheme, ifuri", []*x509.Certificate{ftp}, crl.IfURI, crl.StatusUndetermined, []string{"fatal no-source"}},
		{"HTTP goes first", []*x509.Certificate{viaLDAP}, crl.Strict, crl.StatusGood, []string{"note checked"}},

		{"list out of date", []*x509.Certificate{old}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-expired"}},
		{"list out of date, relaxed", []*x509.Certificate{old}, crl.Relaxed, crl.StatusGood, []string{"note crl-expired", "warning unchecked"}},
		{"named by a list out of date", []*x509.Certificate{oldBad}, crl.Relaxed, crl.StatusRevoked, []string{"note crl-expired", "fatal revoked"}},
		{"list of tomorrow", []*x509.Certificate{early}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-not-yet-valid"}},

		{"list by a CA of the same name", []*x509.Certificate{forged}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-signature"}},
		{"list by another CA", []*x509.Certificate{foreign}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-issuer"}},
		{"unknown critical extension", []*x509.Certificate{critical}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-critical-extension"}},
		{"unknown extension", []*x509.Certificate{noted}, crl.Strict, crl.StatusGood, []string{"note checked"}},

		{"three levels", []*x509.Certificate{below, sub.cert}, crl.Strict, crl.StatusGood, []string{"note checked", "note checked"}},
		{"revoked CA", []*x509.Certificate{belowRevoked, revokedSub.cert}, crl.Strict, crl.StatusRevoked, []string{"fatal revoked", "note checked"}},

		{"the anchor itself", []*x509.Certificate{ca.cert}, crl.Strict, crl.StatusGood, []string{"note anchor"}},
		{"another root", []*x509.Certificate{other.cert}, crl.Strict, crl.StatusInvalid, []string{"fatal no-anchor"}},
		{"unknown issuer", []*x509.Certificate{stranger, other.cert}, crl.Strict, crl.StatusInvalid, []string{"fatal no-anchor"}},
		{"signed by a CA of the same name", []*x509.Certificate{byTwin}, crl.Strict, crl.StatusInvalid, []string{"fatal bad-signature"}},
		{"empty chain", nil, crl.Off, crl.StatusInvalid, []string{"fatal malformed"}},
	} {
		c.run(t, checker, ca.cert)
	}
	checkCase{"no anchor", []*x509.Certificate{good}, crl.Off, crl.StatusInvalid, []string{"fatal no-anchor"}}.run(t, checker)

	// Nothing is asked for the sake of a certificate nobody vouches for.
	if slices.Contains(s.asked, at+"stranger") {
		t.Error("the source of an unverified certificate was asked")
	}
}

// TestRevokedReason: the reason names all that a person wants to know.
func TestRevokedReason(t *testing.T) {
	s := newShelf(t)
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", "http://crl.test/ca")
	s.put("http://crl.test/ca", ca.list(numbered(42), revoking(crl.KeyCompromise, cert)))
	v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)})
	want := "C=CH, CN=gw1 (serial 65): revoked: on 2026-11-21 12:00:00 UTC, reason keyCompromise, " +
		"says the list with number 42 from http://crl.test/ca"
	if err := v.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	r := v.Reasons[0]
	if r.Serial != "65" || r.CRL != "http://crl.test/ca" || r.CRLNumber != "42" || !r.Date.Equal(now.AddDate(0, 0, -2)) || r.Certificate != "C=CH, CN=gw1" {
		t.Errorf("fields of the reason: %+v", r)
	}
	if !v.NextUpdate.Equal(now.AddDate(0, 0, 6)) {
		t.Errorf("next update %v", v.NextUpdate)
	}
}

func TestValidity(t *testing.T) {
	ca := newCA(t, "CA")
	expired := ca.issueWith(func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, -1) })
	future := ca.issueWith(func(c *x509.Certificate) { c.NotBefore = now.AddDate(0, 0, 1) })
	leaf := ca.issue("leaf")
	template := caTemplate("not a CA")
	template.IsCA, template.SerialNumber = false, big.NewInt(77)
	fake := &testCA{t: t, key: newKey(t), serial: 5}
	fake.cert = sign(t, template, ca.cert, fake.key, ca.key)
	checker := newChecker(t, crl.CheckerConfig{})
	for _, c := range []checkCase{
		{"expired", []*x509.Certificate{expired}, crl.Off, crl.StatusInvalid, []string{"fatal expired"}},
		{"not yet valid", []*x509.Certificate{future}, crl.Off, crl.StatusInvalid, []string{"fatal not-yet-valid"}},
		{"signed by no CA", []*x509.Certificate{fake.issue("x"), fake.cert}, crl.Off, crl.StatusInvalid, []string{"fatal not-a-ca"}},
	} {
		c.run(t, checker, ca.cert)
	}
	v := checker.Check(t.Context(), [][]byte{leaf.Raw, []byte("rubbish")}, crl.Policy{Anchors: append(ders(ca.cert), nil), Revocation: crl.Off})
	if !v.Accepted() || !slices.Equal(codes(v), []string{"note malformed", "note malformed", "note unchecked"}) {
		t.Errorf("rubbish in the chain and among the anchors: %s %q", v.Status, codes(v))
	}
	if v := checker.Check(t.Context(), [][]byte{[]byte("rubbish")}, crl.Policy{Anchors: ders(ca.cert), Revocation: crl.Off}); v.Status != crl.StatusInvalid {
		t.Errorf("rubbish as certificate: %s", v.Status)
	}
	if v := checker.Check(t.Context(), slices.Repeat(ders(leaf), crl.MaxChain+1), crl.Policy{Anchors: ders(ca.cert), Revocation: crl.Off}); v.Status != crl.StatusInvalid {
		t.Errorf("a chain too long: %s", v.Status)
	}
}

// TestByIssuer: a certificate that names no source has its list in the
// configured directory, under its issuer's name.
func TestByIssuer(t *testing.T) {
	s := newShelf(t)
	ca := newCA(t, "CA")
	good, bad := ca.issue("good"), ca.issue("bad")
	s.put("issuer C=CH, CN=CA", ca.list(revoking(crl.Unspecified, bad)))
	checker := newChecker(t, crl.CheckerConfig{Source: s})
	checkCase{"good", []*x509.Certificate{good}, crl.Strict, crl.StatusGood, []string{"note checked"}}.run(t, checker, ca.cert)
	checkCase{"revoked", []*x509.Certificate{bad}, crl.IfURI, crl.StatusRevoked, []string{"fatal revoked"}}.run(t, checker, ca.cert)
	httpOnly := newChecker(t, crl.CheckerConfig{Source: s, Order: []crl.Protocol{crl.HTTP}})
	checkCase{"LDAP not in the order", []*x509.Certificate{good}, crl.Strict, crl.StatusUndetermined, []string{"fatal no-source"}}.run(t, httpOnly, ca.cert)
}

// TestSeveralLists: of the lists in one entry the newest of each scope counts,
// and one that says revoked outweighs one that does not.
func TestSeveralLists(t *testing.T) {
	const at = "ldap://dir.test/cn=CA"
	ca, twin := newCA(t, "CA"), newCA(t, "CA")
	cert := ca.issue("gw1", at)
	user := withExtension("2.5.29.28", true, []byte{0x30, 3, 0x81, 1, 0xff})
	cas := withExtension("2.5.29.28", true, []byte{0x30, 3, 0x82, 1, 0xff})
	for _, c := range []struct {
		name   string
		lists  [][]byte
		status crl.Status
	}{
		{"older one names it", [][]byte{ca.list(numbered(1), revoking(0, cert)), ca.list(numbered(2))}, crl.StatusGood},
		{"newer one names it", [][]byte{ca.list(numbered(2), revoking(0, cert)), ca.list(numbered(1))}, crl.StatusRevoked},
		{"another key's is newer", [][]byte{ca.list(numbered(1), revoking(0, cert)), twin.list(numbered(9))}, crl.StatusRevoked},
		{"another scope names it", [][]byte{ca.list(numbered(9)), ca.list(numbered(1), user, revoking(0, cert))}, crl.StatusRevoked},
		{"only the CAs' list", [][]byte{ca.list(cas)}, crl.StatusUndetermined},
		{"the CAs' list and the users'", [][]byte{ca.list(cas), ca.list(user)}, crl.StatusGood},
		{"tomorrow's list beside today's", [][]byte{ca.list(numbered(9), dated(1, 9)), ca.list(numbered(8), revoking(0, cert))}, crl.StatusRevoked},
	} {
		s := newShelf(t)
		s.put(at, c.lists...)
		v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)})
		if v.Status != c.status {
			t.Errorf("%s: %s %q, want %s", c.name, v.Status, codes(v), c.status)
		}
	}
}

// TestScopes: which lists answer for which certificate.
func TestScopes(t *testing.T) {
	const at = "http://crl.test/ca"
	ca := newCA(t, "CA")
	leaf := ca.issue("leaf", at)
	sub := ca.subCA("Sub", at)
	uri := func(u string) []byte { // IDP with a fullName URI
		name := append([]byte{0x86, byte(len(u))}, u...)
		full := append([]byte{0xa0, byte(len(name))}, name...)
		point := append([]byte{0xa0, byte(len(full))}, full...)
		return append([]byte{0x30, byte(len(point))}, point...)
	}
	flag := func(tag byte) []byte { return []byte{0x30, 3, 0x80 | tag, 1, 0xff} }
	number := []byte{2, 1, 3}
	for _, c := range []struct {
		name   string
		cert   *x509.Certificate
		oid    string
		value  []byte
		listed bool
		status crl.Status
	}{
		{"same point", leaf, "2.5.29.28", uri(at), false, crl.StatusGood},
		{"other point", leaf, "2.5.29.28", uri(at + "2"), false, crl.StatusUndetermined},
		{"users' list, user", leaf, "2.5.29.28", flag(1), false, crl.StatusGood},
		{"users' list, CA", sub.cert, "2.5.29.28", flag(1), false, crl.StatusUndetermined},
		{"CAs' list, user", leaf, "2.5.29.28", flag(2), false, crl.StatusUndetermined},
		{"CAs' list, CA", sub.cert, "2.5.29.28", flag(2), false, crl.StatusGood},
		{"some reasons, not listed", leaf, "2.5.29.28", []byte{0x30, 4, 0x83, 2, 6, 0x40}, false, crl.StatusUndetermined},
		{"some reasons, listed", leaf, "2.5.29.28", []byte{0x30, 4, 0x83, 2, 6, 0x40}, true, crl.StatusRevoked},
		{"indirect", leaf, "2.5.29.28", flag(4), false, crl.StatusGood},
		{"attribute certificates", leaf, "2.5.29.28", flag(5), false, crl.StatusUndetermined},
		{"delta, not listed", leaf, "2.5.29.27", number, false, crl.StatusUndetermined},
		{"delta, listed", leaf, "2.5.29.27", number, true, crl.StatusRevoked},
	} {
		options := []listOption{withExtension(c.oid, true, c.value)}
		if c.listed {
			options = append(options, revoking(crl.KeyCompromise, c.cert))
		}
		s := newShelf(t)
		s.put(at, ca.list(options...))
		v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(c.cert), crl.Policy{Anchors: ders(ca.cert)})
		if v.Status != c.status {
			t.Errorf("%s: %s %q, want %s", c.name, v.Status, codes(v), c.status)
		}
	}
}

// TestPoints: what a certificate says about its points, beyond their URIs.
func TestPoints(t *testing.T) {
	const at = "http://crl.test/ca"
	ca := newCA(t, "CA")
	s := newShelf(t)
	s.put(at, ca.list())
	s.put("issuer C=CH, CN=CA", ca.list())
	der := func(tag byte, parts ...[]byte) []byte {
		content := slices.Concat(parts...)
		return append([]byte{tag, byte(len(content))}, content...)
	}
	uri := der(0xa0, der(0xa0, der(0x86, []byte(at))))
	directory := der(0xa0, der(0xa0, der(0xa4, ca.cert.RawSubject)))
	reasons, issuer := der(0x81, []byte{6, 0x40}), der(0xa2, der(0xa4, ca.cert.RawSubject))
	for _, c := range []struct {
		name   string
		value  []byte
		mode   crl.Revocation
		status crl.Status
		codes  []string
	}{
		{"a URI", der(0x30, der(0x30, uri)), crl.Strict, crl.StatusGood, []string{"note checked"}},
		{"a directory name", der(0x30, der(0x30, directory)), crl.Strict, crl.StatusGood, []string{"note checked"}},
		{"a name relative to the issuer's", der(0x30, der(0x30, der(0xa0, der(0xa1)))), crl.Strict, crl.StatusInvalid, []string{"fatal malformed"}},
		{"some reasons, and the issuer's own list", der(0x30, der(0x30, uri, reasons)), crl.Strict, crl.StatusGood, []string{"note checked", "note checked"}},
		{"another issuer, and the issuer's own list", der(0x30, der(0x30, uri, issuer)), crl.Strict, crl.StatusGood, []string{"note crl-scope", "note checked"}},
		{"another issuer, ifuri", der(0x30, der(0x30, uri, issuer)), crl.IfURI, crl.StatusGood, []string{"note crl-scope", "note checked"}},
		{"some reasons and all", der(0x30, der(0x30, uri, reasons), der(0x30, uri)), crl.Strict, crl.StatusGood, []string{"note checked"}},
		{"no point", der(0x30), crl.IfURI, crl.StatusInvalid, []string{"fatal malformed"}},
		{"rubbish", []byte{5, 0}, crl.Relaxed, crl.StatusInvalid, []string{"fatal malformed"}},
	} {
		template := &x509.Certificate{SerialNumber: big.NewInt(50), NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
			ExtraExtensions: []pkix.Extension{{Id: mustOID("2.5.29.31"), Value: c.value}}}
		cert, err := x509.CreateCertificate(rand.Reader, template, ca.cert, newKey(t).Public(), ca.key)
		if err != nil {
			t.Fatal(err)
		}
		v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), [][]byte{cert}, crl.Policy{Anchors: ders(ca.cert), Revocation: c.mode})
		if v.Status != c.status || !slices.Equal(codes(v), c.codes) {
			t.Errorf("%s: %s %q (%v), want %s %q", c.name, v.Status, codes(v), v.Err(), c.status, c.codes)
		}
	}
}

// TestListsAtHand: lists given beforehand answer without a fetch.
func TestListsAtHand(t *testing.T) {
	ca, other := newCA(t, "CA"), newCA(t, "Other")
	good, bad := ca.issue("good", "http://crl.test/ca"), ca.issue("bad")
	lists := []*crl.List{mustParse(t, other.list()), mustParse(t, ca.list(revoking(0, bad)))}
	checker := newChecker(t, crl.CheckerConfig{Lists: lists})
	checkCase{"good", []*x509.Certificate{good}, crl.Strict, crl.StatusGood, []string{"note checked"}}.run(t, checker, ca.cert)
	checkCase{"bad", []*x509.Certificate{bad}, crl.Relaxed, crl.StatusRevoked, []string{"fatal revoked"}}.run(t, checker, ca.cert)
}

// TestAnyPath: a CA that is certified by two roots, revoked by one of them; and
// a certificate that is itself revoked, whatever the path.
func TestAnyPath(t *testing.T) {
	s := newShelf(t)
	one, two := newCA(t, "Root 1"), newCA(t, "Root 2")
	sub := one.subCA("Sub", "http://crl.test/1")
	template := caTemplate("Sub")
	template.SerialNumber, template.CRLDistributionPoints = sub.cert.SerialNumber, []string{"http://crl.test/2"}
	cross := sign(t, template, two.cert, sub.key, two.key)
	good, bad := sub.issue("good", "http://crl.test/sub"), sub.issue("bad", "http://crl.test/sub")
	s.put("http://crl.test/1", one.list(revoking(crl.CACompromise, sub.cert)))
	s.put("http://crl.test/2", two.list())
	s.put("http://crl.test/sub", sub.list(revoking(0, bad)))
	checker := newChecker(t, crl.CheckerConfig{Source: s})
	anchors := crl.Policy{Anchors: ders(one.cert, two.cert)}
	if v := checker.Check(t.Context(), ders(good, sub.cert, cross), anchors); !v.Accepted() {
		t.Errorf("%s %q", v.Status, codes(v))
	}
	if v := checker.Check(t.Context(), ders(bad, cross, sub.cert), anchors); v.Status != crl.StatusRevoked {
		t.Errorf("%s %q", v.Status, codes(v))
	}
	if v := checker.Check(t.Context(), ders(good, sub.cert), anchors); v.Status != crl.StatusRevoked {
		t.Errorf("%s %q", v.Status, codes(v))
	}
}

// slowSource blocks every fetch until it is released or its context ends.
type slowSource struct {
	*shelf
	fetches atomic.Int32
	ended   atomic.Int32
	release chan struct{}
}

func (s *slowSource) Lists(ctx context.Context, url string) ([]*crl.List, error) {
	s.fetches.Add(1)
	select {
	case <-s.release:
		return s.shelf.Lists(ctx, url)
	case <-ctx.Done():
		s.ended.Add(1)
		return nil, ctx.Err()
	}
}

// TestOneFetchForAll: many who wait share one fetch, and the list is kept until
// its nextUpdate.
func TestOneFetchForAll(t *testing.T) {
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", "http://crl.test/ca")
	list := ca.list()
	synctest.Test(t, func(t *testing.T) {
		s := &slowSource{shelf: newShelf(t), release: make(chan struct{})}
		s.put("http://crl.test/ca", list)
		begin := time.Now()
		clock := func() time.Time { return now.Add(time.Since(begin)) }
		checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: clock})
		check := func() crl.Verdict { return checker.Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)}) }
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if v := check(); !v.Accepted() {
					t.Error(v.Err())
				}
			})
		}
		synctest.Wait()
		close(s.release)
		all.Wait()
		time.Sleep(6*24*time.Hour - time.Second) // in the bubble's time
		if v := check(); !v.Accepted() || s.fetches.Load() != 1 {
			t.Errorf("%v after %d fetches, want one", v.Err(), s.fetches.Load())
		}
		time.Sleep(2 * time.Second)
		if v := check(); v.Accepted() || s.fetches.Load() != 2 {
			t.Errorf("%s after nextUpdate and %d fetches", v.Status, s.fetches.Load())
		}
		checker.Flush()
		check()
		if s.fetches.Load() != 3 {
			t.Errorf("%d fetches after Flush, want 3", s.fetches.Load())
		}
	})
}

// TestFailureMemory: a failure is remembered for seconds, not longer.
func TestFailureMemory(t *testing.T) {
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", "http://crl.test/ca")
	list := ca.list()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		begin := time.Now()
		checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return now.Add(time.Since(begin)) }})
		check := func() crl.Verdict { return checker.Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)}) }
		check()
		s.put("http://crl.test/ca", list)
		if v := check(); v.Accepted() || len(s.asked) != 1 {
			t.Errorf("%s after %d fetches: the failure is not remembered", v.Status, len(s.asked))
		}
		time.Sleep(3 * time.Second)
		if v := check(); !v.Accepted() {
			t.Errorf("the failure is remembered too long: %v", v.Err())
		}
	})
}

// TestDeadline: a source that hangs ends the check at its deadline, the fetch
// with it, and leaves time for the second source.
func TestDeadline(t *testing.T) {
	ca := newCA(t, "CA")
	hanging := ca.issue("gw1", "http://crl.test/hangs")
	synctest.Test(t, func(t *testing.T) {
		s := &slowSource{shelf: newShelf(t), release: make(chan struct{})}
		checker := newChecker(t, crl.CheckerConfig{Source: s, FetchTimeout: time.Minute})
		start := time.Now()
		v := checker.Check(t.Context(), ders(hanging), crl.Policy{Anchors: ders(ca.cert), Timeout: 4 * time.Second})
		if v.Status != crl.StatusUndetermined || !slices.Equal(codes(v), []string{"fatal crl-unavailable"}) || time.Since(start) != 4*time.Second {
			t.Errorf("%s %q after %s", v.Status, codes(v), time.Since(start))
		}
		synctest.Wait()
		if s.ended.Load() != 1 {
			t.Error("the fetch goes on although nobody waits for it")
		}
	})
	two := ca.issue("gw2", "http://crl.test/hangs", "ldap://dir.test/cn=CA")
	list := ca.list()
	synctest.Test(t, func(t *testing.T) {
		s := &hangingHTTP{shelf: newShelf(t)}
		s.put("ldap://dir.test/cn=CA", list)
		v := newChecker(t, crl.CheckerConfig{Source: s}).Check(t.Context(), ders(two), crl.Policy{Anchors: ders(ca.cert), Timeout: 4 * time.Second})
		if !v.Accepted() {
			t.Errorf("the second source had no time left: %v", v.Err())
		}
	})
}

// hangingHTTP answers for LDAP only.
type hangingHTTP struct{ *shelf }

func (s *hangingHTTP) Lists(ctx context.Context, url string) ([]*crl.List, error) {
	if strings.HasPrefix(url, "http") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.shelf.Lists(ctx, url)
}

// TestNoRollback: a place that replays an older list takes nothing back, even
// when the newer one has run out and the older one has not.
func TestNoRollback(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", at)
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return clock }})
	for _, step := range []struct {
		days   int
		list   []byte
		status crl.Status
		codes  []string
	}{
		{0, ca.list(numbered(8), dated(-1, 1)), crl.StatusGood, []string{"note checked"}},
		{2, ca.list(numbered(7), dated(-2, 30)), crl.StatusUndetermined, []string{"fatal crl-expired"}},
		{3, ca.list(numbered(9), dated(2, 30)), crl.StatusGood, []string{"note checked"}},
	} {
		s.put(at, step.list)
		clock = now.AddDate(0, 0, step.days)
		checkCase{fmt.Sprint("day ", step.days), []*x509.Certificate{cert}, crl.Strict, step.status, step.codes}.run(t, checker, ca.cert)
	}
}

// TestPlacesApart: a CA that parts its lists by place without saying so inside
// them: what one place says is no answer for a certificate of the other.
func TestPlacesApart(t *testing.T) {
	s := newShelf(t)
	ca := newCA(t, "CA")
	first, second := ca.issue("first", "http://crl.test/1"), ca.issue("second", "http://crl.test/2")
	s.put("http://crl.test/1", ca.list(numbered(8)))
	s.put("http://crl.test/2", ca.list(numbered(7), revoking(0, second)))
	checker := newChecker(t, crl.CheckerConfig{Source: s})
	checkCase{"first", []*x509.Certificate{first}, crl.Strict, crl.StatusGood, []string{"note checked"}}.run(t, checker, ca.cert)
	checkCase{"second", []*x509.Certificate{second}, crl.Strict, crl.StatusRevoked, []string{"fatal revoked"}}.run(t, checker, ca.cert)
}

// TestAnotherTime: a check for another time asks anew and leaves nothing behind.
func TestAnotherTime(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", at)
	s.put(at, ca.list(numbered(3), dated(-20, -10)))
	checker := newChecker(t, crl.CheckerConfig{Source: s})
	policy := crl.Policy{Anchors: ders(ca.cert), Time: now.AddDate(0, 0, -15)}
	if v := checker.Check(t.Context(), ders(cert), policy); !v.Accepted() {
		t.Errorf("15 days ago: %v", v.Err())
	}
	s.put(at, ca.list(numbered(2)))
	checkCase{"now", []*x509.Certificate{cert}, crl.Strict, crl.StatusGood, []string{"note checked"}}.run(t, checker, ca.cert)
}

// TestPoisonedCache: what another key signed neither answers nor stays.
func TestPoisonedCache(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca, twin := newCA(t, "CA"), newCA(t, "CA")
	cert := ca.issue("gw1", at)
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return clock }})
	s.put(at, twin.list(numbered(1000)))
	checkCase{"forged", []*x509.Certificate{cert}, crl.Strict, crl.StatusUndetermined, []string{"fatal crl-signature"}}.run(t, checker, ca.cert)
	s.put(at, ca.list(numbered(1), revoking(0, cert)))
	clock = clock.Add(time.Minute)
	checkCase{"true", []*x509.Certificate{cert}, crl.Strict, crl.StatusRevoked, []string{"fatal revoked"}}.run(t, checker, ca.cert)
}

func TestSmallCache(t *testing.T) {
	s := newShelf(t)
	ca := newCA(t, "CA")
	s.put("http://crl.test/ca", ca.list())
	cert := ca.issue("gw1", "http://crl.test/ca")
	checker := newChecker(t, crl.CheckerConfig{Source: s, CacheBytes: 1})
	for range 2 {
		checkCase{"larger than the cache", []*x509.Certificate{cert}, crl.Strict, crl.StatusGood, []string{"note checked"}}.run(t, checker, ca.cert)
	}
	if len(s.asked) != 2 {
		t.Errorf("%d fetches, want 2", len(s.asked))
	}
}

func TestBadConfig(t *testing.T) {
	for _, config := range []crl.CheckerConfig{
		{Order: []crl.Protocol{"ftp"}}, {Order: []crl.Protocol{crl.HTTP, crl.HTTP}},
		{Lists: []*crl.List{nil}}, {FetchTimeout: -1}, {CacheBytes: -1},
	} {
		if _, err := crl.NewChecker(config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
}
