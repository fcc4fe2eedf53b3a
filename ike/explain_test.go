package ike_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/suite"
)

// explain is Engine.Explain, which must know the tunnel.
func explain(t *testing.T, e *ike.Engine, tunnel string) ike.Explanation {
	t.Helper()
	x, err := e.Explain(t.Context(), tunnel)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// steps are the texts of an explanation.
func steps(x ike.Explanation) string {
	var texts []string
	for _, s := range x.Steps {
		texts = append(texts, s.Text)
	}
	return strings.Join(texts, "\n")
}

func TestExplainFailure(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		b.change = func(d *ikedb.Definitions) { d.Protections[0].Transforms[0].Hash = suite.SHA384 }
		first, second := a.start(t, &n), b.start(t, &n)
		if x := explain(t, first, "1"); x.Status.State != ike.TunnelDormant || len(x.Steps) != 0 || x.Hint != "" {
			t.Errorf("before: %+v", x)
		}
		if _, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil {
			t.Fatal(err)
		}
		x := explain(t, first, "to-gw2")
		if x.Status.State != ike.TunnelFailed || !strings.Contains(x.Status.Error, "NO-PROPOSAL-CHOSEN") || !strings.Contains(x.Hint, "a transform that both sides have") {
			t.Errorf("initiator: %+v", x)
		}
		for _, want := range []string{"sent main mode message 1 [SA", "the peer notified NO-PROPOSAL-CHOSEN (not authenticated)"} {
			if !strings.Contains(steps(x), want) {
				t.Errorf("the steps lack %q:\n%s", want, steps(x))
			}
		}
		// The responder cannot know for which of its tunnels that was.
		if x := explain(t, second, "to-gw1"); x.Status.State != ike.TunnelDormant {
			t.Errorf("responder: %+v", x)
		}
		strangers, err := second.ExplainStrangers(t.Context())
		if err != nil || len(strangers) == 0 {
			t.Fatalf("%+v, %v", strangers, err)
		}
		last := strangers[len(strangers)-1]
		if last.Status.Remote.Addr() != gw1 || !strings.Contains(last.Status.Error, "nearest is aes128-sha256-ecp256: the hash is sha256, not sha384") || last.Hint == "" {
			t.Errorf("stranger: %+v", last)
		}
		if _, err := first.Explain(t.Context(), "none"); !errors.Is(err, ike.ErrNoTunnel) {
			t.Errorf("no such tunnel: %v", err)
		}
		if got, err := first.Stats(t.Context()); err != nil || got != (ike.Stats{Tunnels: 1, Started: 1, Failed: 1, Sent: got.Sent, Received: got.Received}) {
			t.Errorf("stats %+v, %v", got, err)
		}
		// It is bounded what strangers leave behind.
		for range 2 * 16 {
			if _, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil {
				t.Fatal(err)
			}
		}
		if strangers, err := second.ExplainStrangers(t.Context()); err != nil || len(strangers) != 16 {
			t.Errorf("%d strangers, %v", len(strangers), err)
		}
	})
}

func TestExplainSuccess(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		first, second := a.start(t, &n), b.start(t, &n)
		if st, err := first.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		synctest.Wait()
		if got, err := first.Stats(t.Context()); err != nil || got.Started != 1 || got.Established != 1 || got.Active != 1 || got.Sent < 3 || got.Received < 3 {
			t.Errorf("stats %+v, %v", got, err)
		}
		for _, x := range []ike.Explanation{explain(t, first, "to-gw2"), explain(t, second, "to-gw1")} {
			if x.Status.State != ike.TunnelActive || len(x.Steps) != 0 || x.Hint != "" {
				t.Errorf("%+v", x)
			}
		}
	})
}

// A tunnel that waits for an answer shows its retransmissions, and not all of them.
func TestExplainSilence(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, _ := pair()
		a.config = func(c *ike.Config) {
			c.Timing.Deadline, c.Timing.Retransmit, c.Timing.RetransmitMax = time.Hour, time.Second, 2*time.Second
		}
		e := a.start(t, &n)
		if st, err := e.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelFailed {
			t.Fatalf("%+v, %v", st, err)
		}
		x := explain(t, e, "to-gw2")
		if len(x.Steps) != 24 || x.Missed == 0 || !strings.HasPrefix(x.Steps[23].Text, "retransmitted ") || !strings.Contains(x.Hint, "UDP ports 500 and 4500") {
			t.Errorf("%d steps after %d, %q, %q", len(x.Steps), x.Missed, steps(x), x.Hint)
		}
	})
}
