package ike_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
)

// watcher is a Verifier that accepts everybody, and an ike.Watcher whose news the
// test tells.
type watcher struct {
	mu      sync.Mutex // guards what follows
	next    int
	watched map[int]watchedChain
	own     map[int]watchedChain // of our own certificates, which demand no list
}

type watchedChain struct {
	chain [][]byte
	tell  func(crl.Verdict)
}

func (w *watcher) Check(context.Context, [][]byte, crl.Policy) crl.Verdict {
	return crl.Verdict{Status: crl.StatusGood}
}

func (w *watcher) Watch(chain [][]byte, p crl.Policy, _ crl.Verdict, tell func(crl.Verdict)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	id := w.next
	if w.watched == nil {
		w.watched, w.own = map[int]watchedChain{}, map[int]watchedChain{}
	}
	where := w.watched
	if p.Revocation != crl.Strict {
		where = w.own
	}
	where[id] = watchedChain{chain, tell}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(where, id)
	}
}

// tell tells news about one certificate and returns how many were told.
func (w *watcher) tell(leaf []byte, v crl.Verdict) int {
	w.mu.Lock()
	var all []watchedChain
	for _, c := range w.watched {
		if slices.Equal(c.chain[0], leaf) {
			all = append(all, c)
		}
	}
	w.mu.Unlock()
	for _, c := range all {
		c.tell(v)
	}
	return len(all)
}

func (w *watcher) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.watched)
}

// A peer whose certificate is not good any more loses its tunnel, whichever side
// notices, and everybody who looks is told why.
func TestLostPeer(t *testing.T) {
	pki()
	for _, status := range []crl.Status{crl.StatusRevoked, crl.StatusInvalid, crl.StatusUndetermined} {
		for _, notices := range []string{"initiator", "responder"} {
			t.Run(string(status)+"-"+notices, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { lostPeer(t, status, notices) })
			})
		}
	}
}

func lostPeer(t *testing.T, status crl.Status, notices string) {
	var n iketest.Network
	var w watcher
	a, b := pair()
	own, peer := "gw1", "gw2"
	if notices == "initiator" {
		a.verifier = &w
	} else {
		b.verifier = &w
		own, peer = peer, own
	}
	first, second := a.start(t, &n), b.start(t, &n)
	here, there := first, second
	if notices == "responder" {
		here, there = there, here
	}
	events, other := here.Events(100), there.Events(100)
	if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
		t.Fatalf("%+v, %v", st, err)
	}
	await(t, events, ike.EventEstablished)
	synctest.Wait()

	warning := crl.Verdict{Status: crl.StatusGood, Reasons: []crl.Reason{{Severity: crl.Warning, Code: "unchecked", Text: "no list could be had"}}}
	if n := w.tell(pki().gateways[peer].Chain[0], warning); n != 1 {
		t.Fatalf("%d chains of %s are watched", n, peer)
	}
	if ev := await(t, events, ike.EventVerdict); !strings.Contains(ev.Text, "still good") {
		t.Errorf("event: %+v", ev)
	}
	if st := only(t, here); st.State != ike.TunnelActive || len(st.Reasons) != 1 || st.Reasons[0].Code != "unchecked" {
		t.Errorf("with a warning: %+v", st)
	}

	w.tell(pki().gateways[peer].Chain[0], crl.Verdict{Status: status, Reasons: []crl.Reason{
		{Severity: crl.Note, Code: "checked", Text: "the CA above is good"},
		{Severity: crl.Fatal, Code: "the-reason", Text: "certificate 0a is not what it was"},
	}})
	ev := await(t, events, ike.EventClosed)
	if !strings.Contains(ev.Text, "certificate 0a is not what it was") || len(ev.Reasons) != 2 {
		t.Errorf("event: %+v", ev)
	}
	st := only(t, here)
	if st.State != ike.TunnelClosed || st.Ended.IsZero() || len(st.Reasons) != 2 || st.Reasons[1].Code != "the-reason" ||
		st.Error != "the peer's certificate is not accepted any more ("+string(status)+"): certificate 0a is not what it was" {
		t.Errorf("status: %+v", st)
	}
	if ev := await(t, other, ike.EventClosed); ev.Text != "deleted by the peer" || len(ev.Reasons) != 0 {
		t.Errorf("the peer %s was told %+v", own, ev)
	}
	synctest.Wait()
	if w.len() != 0 {
		t.Errorf("%d chains are still watched", w.len())
	}
}

// What comes when the tunnel has gone ends nothing; tunnels end their watches,
// and those by preshared keys have none.
func TestWatchesEndWithTunnels(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		var w watcher
		a, b := pair()
		a.verifier, b.verifier = &w, &w
		ctx, cancel := context.WithCancel(t.Context())
		first, second := a.startWith(t, ctx, &n), b.startWith(t, ctx, &n)
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		synctest.Wait()
		if w.len() != 2 {
			t.Errorf("%d chains are watched, want those of both sides", w.len())
		}
		w.mu.Lock()
		var late []func(crl.Verdict)
		for _, c := range w.watched {
			late = append(late, c.tell)
		}
		w.mu.Unlock()
		if _, err := first.Remove(t.Context(), "to-gw2"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if w.len() != 0 {
			t.Errorf("%d chains are watched after the end", w.len())
		}
		for _, tell := range late {
			tell(crl.Verdict{Status: crl.StatusRevoked})
		}
		for _, e := range []*ike.Engine{first, second} {
			if st := only(t, e); st.State != ike.TunnelClosed || strings.Contains(st.Error, "certificate") {
				t.Errorf("after the end: %+v", st)
			}
		}
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if w.len() != 0 {
			t.Errorf("%d chains are watched after the engines have ended", w.len())
		}
		for _, tell := range late {
			tell(crl.Verdict{Status: crl.StatusRevoked}) // holds nobody up
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		var w watcher
		a, b := pair()
		a.auth, b.auth, a.psk, b.psk = ikedb.AuthPresharedKey, ikedb.AuthPresharedKey, "secret secret", "secret secret"
		a.verifier, b.verifier = &w, &w
		first := a.start(t, &n)
		b.start(t, &n)
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		if w.len() != 0 {
			t.Errorf("%d chains are watched", w.len())
		}
	})
}

// A lost peer loses its phase 2 tunnels, too, also those that have outlived their
// phase 1; it does not escape by ending that.
func TestLostPeerOfData(t *testing.T) {
	pki()
	for _, outlive := range []bool{false, true} {
		var w watcher
		left, right, planes := dataPair(t, func(_ int, d *ikedb.Definitions) {
			d.Protections[0].Lifetime = 10 * time.Minute
		})
		left.auth, right.auth, left.verifier = ikedb.AuthRSASignatureCRL, ikedb.AuthRSASignatureCRL, &w
		inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
			if st, err := a.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
				t.Fatal(st, err)
			}
			if outlive {
				time.Sleep(20 * time.Minute) // in the bubble's time
				if list, _ := a.List(t.Context()); list[0].State != ike.TunnelClosed {
					t.Errorf("phase 1 is %v", list[0].State)
				}
			}
			checkPlanes(t, planes, 1)
			if w.len() != 1 {
				t.Errorf("%d chains are watched", w.len())
			}
			w.tell(pki().gateways["gw2"].Chain[0], crl.Verdict{Status: crl.StatusRevoked, Reasons: []crl.Reason{{Severity: crl.Fatal, Code: "revoked", Text: "it is revoked"}}})
			synctest.Wait()
			if n := len(planes[0].Installed()); n != 0 {
				t.Errorf("%d SAs are left", n)
			}
			list, err := a.ListData(t.Context(), "to-gw2")
			if err != nil || len(list) != 2 || list[0].State != ike.TunnelClosed || !strings.Contains(list[0].Error, "it is revoked") {
				t.Errorf("%+v, %v", list, err)
			}
			if w.len() != 0 {
				t.Errorf("%d chains are still watched", w.len())
			}
		})
	}
}

// An orphan is not watched any more when its last tunnel goes, or when it has a phase
// 1 again.
func TestOrphanEnds(t *testing.T) {
	pki()
	var w watcher
	left, right, _ := dataPair(t, func(_ int, d *ikedb.Definitions) {
		d.Protections[0].Lifetime = 10 * time.Minute
	})
	left.auth, right.auth, left.verifier = ikedb.AuthRSASignatureCRL, ikedb.AuthRSASignatureCRL, &w
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		if st, err := a.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		for _, wait := range []time.Duration{20 * time.Minute, 35 * time.Minute} { // then it is rekeyed
			time.Sleep(wait)
			synctest.Wait()
			if w.len() != 1 {
				t.Errorf("%d chains are watched", w.len())
			}
		}
		time.Sleep(20 * time.Minute)
		if changed, err := a.SetAnchors(t.Context(), nil); !changed || err != nil {
			t.Errorf("%t, %v", changed, err)
		}
		if w.len() != 1 {
			t.Errorf("%d chains are watched after a change of anchors", w.len())
		}
		if _, err := a.RemoveData(t.Context(), "nets"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if w.len() != 0 {
			t.Errorf("%d chains are still watched", w.len())
		}
	})
}

// tellOwn tells news about our own certificates.
func (w *watcher) tellOwn(v crl.Verdict) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.own {
		go c.tell(v)
	}
	return len(w.own)
}

// What is wrong with our own certificate is told once, and ends nothing.
func TestOwnCertificate(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		var w watcher
		a, b := pair()
		a.verifier = &w
		ctx, cancel := context.WithCancel(t.Context())
		first := a.startWith(t, ctx, &n)
		b.startWith(t, ctx, &n)
		events := first.Events(100)
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		synctest.Wait()
		if st := only(t, first); len(st.OwnReasons) != 0 {
			t.Errorf("%+v", st.OwnReasons)
		}
		bad := crl.Verdict{Status: crl.StatusRevoked, Reasons: []crl.Reason{
			{Severity: crl.Note, Code: crl.CodeChecked}, {Severity: crl.Fatal, Code: crl.CodeRevoked, Text: "gw1 is revoked"},
		}}
		for range 2 {
			if n := w.tellOwn(bad); n != 1 {
				t.Fatalf("%d certificates of ours are looked at", n)
			}
			synctest.Wait()
		}
		if ev := await(t, events, ike.EventOwnCertificate); ev.Text != "our certificate gw1 will not be accepted by peers: gw1 is revoked" || len(ev.Reasons) != 1 {
			t.Errorf("%+v", ev)
		}
		if st := only(t, first); st.State != ike.TunnelActive || len(st.OwnReasons) != 1 {
			t.Errorf("%+v", st)
		}
		w.tellOwn(crl.Verdict{Status: crl.StatusInvalid, Reasons: []crl.Reason{{Severity: crl.Fatal, Code: crl.CodeNoAnchor}}})
		if ev := await(t, events, ike.EventOwnCertificate); ev.Text != "our certificate gw1 is good again" || len(ev.Reasons) != 0 {
			t.Errorf("%+v", ev) // the peer may trust whom we do not
		}
		if changed, err := first.SetAnchors(t.Context(), nil); !changed || err != nil {
			t.Errorf("%t, %v", changed, err)
		}
		synctest.Wait()
		if n := w.tellOwn(bad); n != 1 {
			t.Errorf("%d certificates of ours are looked at after a change of anchors", n)
		}
		await(t, events, ike.EventOwnCertificate)
		cancel()
		synctest.Wait()
		if n := w.tellOwn(bad); n != 0 {
			t.Errorf("%d certificates of ours are looked at after the end", n)
		}
	})
}
