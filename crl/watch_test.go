package crl_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
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
