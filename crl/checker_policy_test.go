package crl_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/crl/certpath"
)

// TestListAge: grace after nextUpdate, with a warning, and a maximal age.
func TestListAge(t *testing.T) {
	const day = 24 * time.Hour
	ca := newCA(t, "CA")
	leaf, bad := ca.issue("leaf"), ca.issue("bad")
	list := mustParse(t, ca.list(dated(-9, -2), revoking(crl.KeyCompromise, bad))) // two days out of date
	for _, c := range []struct {
		name          string
		cert          *x509.Certificate
		grace, maxAge time.Duration
		status        crl.Status
		codes         []string
	}{
		{"no grace", leaf, 0, 0, crl.StatusUndetermined, []string{"fatal no-source", "fatal crl-expired"}},
		{"too little grace", leaf, 2*day - time.Second, 0, crl.StatusUndetermined, []string{"fatal no-source", "fatal crl-expired"}},
		{"grace", leaf, 2 * day, 0, crl.StatusGood, []string{"warning checked"}},
		{"grace, and too old", leaf, 2 * day, 9*day - time.Second, crl.StatusUndetermined, []string{"fatal no-source", "fatal crl-expired"}},
		{"grace, and old enough", leaf, 2 * day, 9 * day, crl.StatusGood, []string{"warning checked"}},
		{"revoked within the grace", bad, 2 * day, 0, crl.StatusRevoked, []string{"fatal revoked"}},
	} {
		v := newChecker(t, crl.CheckerConfig{Lists: []*crl.List{list}}).
			Check(t.Context(), ders(c.cert), crl.Policy{Anchors: ders(ca.cert), Grace: c.grace, MaxAge: c.maxAge})
		if v.Status != c.status || !slices.Equal(codes(v), c.codes) {
			t.Errorf("%s: %s %q, want %s %q", c.name, v.Status, codes(v), c.status, c.codes)
		}
	}
}

// TestGraceWithoutServer: a list that was fetched serves its grace also where the
// place does not answer any more.
func TestGraceWithoutServer(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", at)
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return clock }})
	policy := crl.Policy{Anchors: ders(ca.cert), Grace: 24 * time.Hour}
	s.put(at, ca.list(dated(-1, 1)))
	for _, step := range []struct {
		after  time.Duration
		status crl.Status
		codes  []string
	}{
		{0, crl.StatusGood, []string{"note checked"}},
		{25 * time.Hour, crl.StatusGood, []string{"note crl-unavailable", "warning checked"}},
		{47 * time.Hour, crl.StatusGood, []string{"note crl-unavailable", "warning checked"}},
		{49 * time.Hour, crl.StatusUndetermined, []string{"fatal crl-unavailable", "fatal crl-expired"}},
	} {
		clock = now.Add(step.after)
		if v := checker.Check(t.Context(), ders(cert), policy); v.Status != step.status || !slices.Equal(codes(v), step.codes) {
			t.Errorf("after %s: %s %q, want %s %q", step.after, v.Status, codes(v), step.status, step.codes)
		}
		s.put(at)
	}
}

// TestAnchorBetween: a trusted certificate need not be self-signed, and ends the
// path: nothing above it is needed or asked.
func TestAnchorBetween(t *testing.T) {
	root := newCA(t, "Root")
	sub := root.subCA("Sub", "http://crl.test/root")
	leaf := sub.issue("leaf")
	checker := newChecker(t, crl.CheckerConfig{Lists: []*crl.List{mustParse(t, sub.list())}})
	v := checker.Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(sub.cert)})
	if !v.Accepted() || !slices.Equal(codes(v), []string{"note checked"}) {
		t.Errorf("%s %q", v.Status, codes(v))
	}
	if want := []string{"C=CH, CN=leaf (serial 03e9)", "C=CH, CN=Sub (serial 65)"}; !slices.Equal(v.Path, want) {
		t.Errorf("path %q, want %q", v.Path, want)
	}
}

// TestPurpose: the policy says what for; nothing else is looked at without it.
func TestPurpose(t *testing.T) {
	ca := newCA(t, "CA")
	server := ca.issueWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	for purpose, want := range map[certpath.Purpose]crl.Status{
		certpath.AnyPurpose: crl.StatusGood, certpath.Server: crl.StatusGood, certpath.Client: crl.StatusInvalid,
	} {
		v := newChecker(t, crl.CheckerConfig{}).
			Check(t.Context(), ders(server), crl.Policy{Anchors: ders(ca.cert), Revocation: crl.Off, Purpose: purpose})
		if v.Status != want {
			t.Errorf("%s: %s %q, want %s", purpose, v.Status, codes(v), want)
		}
	}
}

// TestMaxAgeFetches: a list that is remembered and too old for the policy is
// fetched anew, and not at every check where the server has no other.
func TestMaxAgeFetches(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca := newCA(t, "CA")
	cert := ca.issue("gw1", at)
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return clock }})
	policy := crl.Policy{Anchors: ders(ca.cert), MaxAge: 36 * time.Hour}
	for _, step := range []struct {
		after  time.Duration
		list   []byte
		status crl.Status
		asked  int
	}{
		{0, ca.list(numbered(1), dated(-1, 30)), crl.StatusGood, 1},
		{48 * time.Hour, ca.list(numbered(1), dated(-1, 30)), crl.StatusUndetermined, 2},
		// A server that has no other list is spared.
		{48*time.Hour + time.Second, ca.list(numbered(2), dated(1, 30)), crl.StatusUndetermined, 2},
		{48*time.Hour + 3*time.Second, ca.list(numbered(1), dated(-1, 30)), crl.StatusUndetermined, 3},
		{48*time.Hour + 6*time.Second, ca.list(numbered(2), dated(1, 30)), crl.StatusUndetermined, 3},
		{48*time.Hour + 8*time.Second, ca.list(numbered(2), dated(1, 30)), crl.StatusGood, 4},
		{49 * time.Hour, ca.list(numbered(2), dated(1, 30)), crl.StatusGood, 4},
	} {
		s.put(at, step.list)
		clock = now.Add(step.after)
		if v := checker.Check(t.Context(), ders(cert), policy); v.Status != step.status || len(s.asked) != step.asked {
			t.Errorf("after %v: %s %q, want %s; asked %d times, want %d", step.after, v.Status, codes(v), step.status, len(s.asked), step.asked)
		}
	}
}

// TestForeignLists: a place that gives lists of another key is asked again later
// and later, as one that fails.
func TestForeignLists(t *testing.T) {
	const at = "http://crl.test/ca"
	s := newShelf(t)
	ca, twin := newCA(t, "CA"), newCA(t, "CA")
	cert := ca.issue("gw1", at)
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: s, Clock: func() time.Time { return clock }})
	s.put(at, twin.list())
	for range 3600 {
		if v := checker.Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)}); v.Status != crl.StatusUndetermined {
			t.Fatal(v.Status)
		}
		clock = clock.Add(time.Second)
	}
	if n := len(s.asked); n < 60 || n > 70 {
		t.Errorf("asked %d times in an hour", n)
	}
	clock = clock.Add(crl.LongestPause)
	s.put(at, ca.list())
	if v := checker.Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)}); !v.Accepted() {
		t.Error(v.Err())
	}
}

// TestSlowPoint: a distribution point that hangs costs a second and not its share
// of the time, whether the other place is in the same point or in another one, and
// nothing once the other's list is remembered.
func TestSlowPoint(t *testing.T) {
	ca := newCA(t, "CA")
	element := func(tag byte, content string) string { return string([]byte{tag, byte(len(content))}) + content }
	point := func(places ...string) string {
		var names string
		for _, at := range places {
			names += element(0x86, at)
		}
		return element(0x30, element(0xa0, element(0xa0, names)))
	}
	points := func(all ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: mustOID("2.5.29.31"), Value: []byte(element(0x30, strings.Join(all, "")))}}
		}
	}
	list, bad := ca.list(), ca.issueWith(points(point("http://hangs"), point("http://b")))
	listed := ca.list(revoking(crl.KeyCompromise, bad))
	for _, c := range []struct {
		name string
		cert *x509.Certificate
		list []byte
		want crl.Status
	}{
		{"one point", ca.issueWith(points(point("http://hangs", "http://b"))), list, crl.StatusGood},
		{"two points", ca.issueWith(points(point("http://hangs"), point("http://b"))), list, crl.StatusGood},
		{"the last of three", ca.issueWith(points(point("http://hangs"), point("http://hangs/too"), point("http://b"))), list, crl.StatusGood},
		{"revoked", bad, listed, crl.StatusRevoked},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				source := &slowShelf{shelf: newShelf(t), takes: func(url string) time.Duration {
					if strings.HasPrefix(url, "http://hangs") {
						return time.Hour
					}
					return time.Second / 2
				}}
				source.put("http://b", c.list)
				checker := newChecker(t, crl.CheckerConfig{Source: source, Clock: func() time.Time { return now.Add(time.Since(begin)) }})
				p := crl.Policy{Anchors: ders(ca.cert)}
				if v := checker.Check(t.Context(), ders(c.cert), p); v.Status != c.want || time.Since(begin) > 3*time.Second {
					t.Errorf("%s after %v: %v", v.Status, time.Since(begin), v.Err())
				}
				again := time.Now()
				if v := checker.Check(t.Context(), ders(c.cert), p); v.Status != c.want || time.Since(again) > 0 {
					t.Errorf("again: %s after %v: %v", v.Status, time.Since(again), v.Err())
				}
			})
		})
	}
}
