package ike_test

import (
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/iketest"
)

// realWatcher is a crl.Watcher over what a source has, running until the end of the
// test.
func realWatcher(t *testing.T, every time.Duration, source crl.Source) *crl.Watcher {
	t.Helper()
	checker, err := crl.NewChecker(crl.CheckerConfig{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	w, err := crl.NewWatcher(crl.WatcherConfig{Checker: checker, Every: every})
	if err != nil {
		t.Fatal(err)
	}
	go w.Run(t.Context())
	return w
}

// A trusted CA that is trusted no more takes the tunnels of its peers with it, and
// new ones are refused, until it is trusted again.
func TestSetAnchors(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		a.verifier, a.auth, b.auth = realWatcher(t, time.Minute, nil), "rsa-signature", "rsa-signature"
		first := a.start(t, &n)
		b.start(t, &n)
		events := first.Events(100)
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		if changed, err := first.SetAnchors(t.Context(), [][]byte{pki().ca}); changed || err != nil {
			t.Errorf("the same: %t, %v", changed, err)
		}
		if _, err := first.SetAnchors(t.Context(), [][]byte{{1}}); err == nil {
			t.Error("what is no certificate is trusted")
		}
		time.Sleep(time.Hour) // in the bubble's time
		if st := only(t, first); st.State != ike.TunnelActive {
			t.Fatalf("%+v", st)
		}

		if changed, err := first.SetAnchors(t.Context(), nil); !changed || err != nil {
			t.Errorf("no anchors: %t, %v", changed, err)
		}
		if ev := await(t, events, ike.EventClosed); len(ev.Reasons) == 0 || ev.Reasons[len(ev.Reasons)-1].Code != crl.CodeNoAnchor {
			t.Errorf("%+v", ev)
		}
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelFailed {
			t.Errorf("%+v, %v", st, err)
		}
		if changed, err := first.SetAnchors(t.Context(), [][]byte{pki().ca}); !changed || err != nil {
			t.Errorf("trusted again: %t, %v", changed, err)
		}
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Errorf("%+v, %v", st, err)
		}
	})
}
