package crl_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
)

func TestStateOf(t *testing.T) {
	l := &crl.List{ThisUpdate: now, NextUpdate: now.Add(100 * time.Hour)}
	for _, c := range []struct {
		at     time.Duration
		within time.Duration
		want   crl.ListState
	}{
		{-time.Hour, 0, crl.ListEarly}, {-crl.ClockSkew, 0, crl.ListCurrent}, {0, 0, crl.ListCurrent}, {90*time.Hour - 1, 0, crl.ListCurrent},
		{90 * time.Hour, 0, crl.ListDue}, {100 * time.Hour, 0, crl.ListDue}, {100*time.Hour + 1, 0, crl.ListExpired},
		{0, 100 * time.Hour, crl.ListDue}, {98 * time.Hour, time.Hour, crl.ListCurrent},
	} {
		if got := crl.StateOf(l, now.Add(c.at), c.within); got != c.want {
			t.Errorf("after %v, within %v: %s, want %s", c.at, c.within, got, c.want)
		}
	}
	if got := crl.StateOf(&crl.List{ThisUpdate: now}, now, 0); got != crl.ListExpired {
		t.Errorf("a list without an end: %s", got)
	}
}

// TestListWatcher: what a watcher tells while a list grows old, its server is away,
// and another list takes its place.
func TestListWatcher(t *testing.T) {
	ca, other := newCA(t, "CA"), newCA(t, "CA")
	var current atomic.Pointer[[]byte]
	var notModified atomic.Int32
	put := func(der []byte) { current.Store(&der) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		der := *current.Load()
		if der == nil {
			http.NotFound(w, r)
			return
		}
		etag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(der)))
		if r.Header.Get("If-None-Match") == etag {
			notModified.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		w.Write(der)
	}))
	defer server.Close()
	clock := now
	f := newFetcher(t, crl.FetcherConfig{})
	w := &crl.ListWatcher{
		Clock:  func() time.Time { return clock },
		Accept: func(l *crl.List) error { return l.CheckSignatureFrom(ca.cert, false) },
		Places: []crl.ListPlaceWatch{{Name: "web", Get: func(ctx context.Context, have crl.Validators) (crl.Reply, error) {
			return f.Get(ctx, server.URL, have)
		}}},
	}
	look := func(state crl.ListState, number string, changed bool) {
		t.Helper()
		if err := w.Look(t.Context(), func(e crl.ListEvent, c bool) error {
			if e.State != state || e.Number != number || c != changed || e.Place != "web" || !e.Time.Equal(clock) || (e.Error != "") != (state == crl.ListUnreachable) {
				t.Errorf("%+v, changed %t", e, c)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(ca.list(numbered(1), dated(0, 10)))
	look(crl.ListCurrent, "1", true)
	look(crl.ListCurrent, "1", false)
	if notModified.Load() != 1 {
		t.Error("the list was fetched again")
	}
	clock = now.AddDate(0, 0, 9)
	look(crl.ListDue, "1", true)
	put(nil)
	look(crl.ListUnreachable, "", true)
	look(crl.ListUnreachable, "", false)
	put(other.list(numbered(2), dated(0, 20)))
	look(crl.ListUnreachable, "", false) // signed by somebody else
	put(ca.list(numbered(2), dated(0, 20)))
	look(crl.ListCurrent, "2", true)
	put(ca.list(numbered(3), dated(0, 21)))
	look(crl.ListCurrent, "3", true)
	clock = now.AddDate(0, 0, 22)
	look(crl.ListExpired, "3", true)

	enough := errors.New("enough")
	if err := w.Look(t.Context(), func(crl.ListEvent, bool) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error of tell: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Look(canceled, func(crl.ListEvent, bool) error { t.Error("told"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestWatcher: a certificate that becomes revoked is reported once, also while the
// old list would be good for longer; a source that is away reports nothing.
func TestWatcher(t *testing.T) {
	ca := newCA(t, "CA")
	one, two := ca.issue("one", "http://a"), ca.issue("two", "http://a")
	var lists []*crl.List
	source := &scriptedSource{answers: map[string]func(context.Context) ([]*crl.List, error){"http://a": func(context.Context) ([]*crl.List, error) {
		if lists == nil {
			return nil, errors.New("away")
		}
		return lists, nil
	}}}
	clock := now
	checker := newChecker(t, crl.CheckerConfig{Source: source, Clock: func() time.Time { return clock }})
	w, err := crl.NewWatcher(crl.WatcherConfig{Checker: checker, Policy: crl.Policy{Anchors: ders(ca.cert)}})
	if err != nil {
		t.Fatal(err)
	}
	for id, cert := range map[string][][]byte{"tunnel 1": ders(one), "tunnel 2": ders(two)} {
		if err := w.Watch(id, cert); err != nil {
			t.Fatal(err)
		}
	}
	round := func(want ...string) {
		t.Helper()
		clock = clock.Add(time.Minute)
		var got []string
		w.Round(t.Context(), func(e crl.RevokedEvent) {
			if e.Verdict.Status != crl.StatusRevoked || len(e.Verdict.Reasons) == 0 {
				t.Errorf("%+v", e)
			}
			got = append(got, e.ID)
		})
		if !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	}
	put := func(options ...listOption) { lists = []*crl.List{mustParse(t, ca.list(options...))} }
	put(numbered(1))
	round()
	put(numbered(2), revoking(crl.CertificateHold, one))
	round("tunnel 1")
	round()
	lists = nil
	round()
	put(numbered(3), revoking(crl.KeyCompromise, two))
	round("tunnel 2") // and the hold of the other is lifted
	put(numbered(4), revoking(crl.KeyCompromise, one, two))
	round("tunnel 1")
	w.Forget("tunnel 1")
	if err := w.Watch("tunnel 2", ders(two)); err != nil {
		t.Fatal(err)
	}
	round("tunnel 2") // a new one of the name

	for _, bad := range []crl.WatcherConfig{{}, {Checker: checker, Every: -1}, {Checker: checker, Policy: crl.Policy{Time: now}}} {
		if _, err := crl.NewWatcher(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	for i := range crl.MaxWatched - 1 {
		if err := w.Watch(fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Watch("one more", nil); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("one more than allowed: %v", err)
	}
}

// TestWatcherRuns: rounds come at their times and end with the context.
func TestWatcherRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		template := caTemplate("CA")
		template.NotBefore, template.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0)
		ca := newCAFrom(t, template, newKey(t))
		rounds := 0
		source := &scriptedSource{answers: map[string]func(context.Context) ([]*crl.List, error){"http://a": func(context.Context) ([]*crl.List, error) {
			rounds++
			return nil, errors.New("away")
		}}}
		w, err := crl.NewWatcher(crl.WatcherConfig{Checker: newChecker(t, crl.CheckerConfig{Source: source, Clock: time.Now}), Policy: crl.Policy{Anchors: ders(ca.cert)}, Every: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		leaf := ca.issueWith(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter, c.CRLDistributionPoints = template.NotBefore, template.NotAfter, []string{"http://a"}
		})
		if err := w.Watch("x", ders(leaf)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour/2)
		defer cancel()
		w.Run(ctx, func(crl.RevokedEvent) {})
		if rounds != 3 {
			t.Errorf("%d rounds in two hours and a half", rounds)
		}
	})
}
