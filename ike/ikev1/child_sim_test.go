package ikev1

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"keyman/ike/suite"
)

var childRuns = flag.Int("tunnels", 620, "how many simulations TestChildSimulation runs, of some sixteen quick modes each")

// simTunnels are the phase 2 tunnels of one end of a simulation, and its data
// plane.
type simTunnels struct {
	s         *simulation
	side      int
	tunnels   map[int]*simTunnel
	bySPI     map[uint32]*simTunnel
	installed map[uint32]*ChildSA
}

// simTunnel is one of them.
type simTunnel struct {
	n      int
	core   *Child
	policy *ChildPolicy
	alarms int
	using  uint32
	ended  int
}

// live gives a side phase 2 tunnels that live.
func (s *simulation) live(i int) *simTunnels {
	ts := &simTunnels{s: s, side: i, tunnels: map[int]*simTunnel{}, bySPI: map[uint32]*simTunnel{}, installed: map[uint32]*ChildSA{}}
	s.sides[i].phase2.tunnels = ts
	return ts
}

// define makes a tunnel.
func (ts *simTunnels) define(n int, policy ChildPolicy, cfg ChildConfig) *simTunnel {
	ts.s.rng.Read(cfg.Seed[:])
	st := &simTunnel{n: n, core: NewChild(cfg), policy: childPolicy(ts.side, n, policy)}
	ts.tunnels[n] = st
	return st
}

// handle feeds an event to a tunnel.
func (ts *simTunnels) handle(st *simTunnel, ev ChildEvent) {
	for _, e := range st.core.Handle(ts.s.now, ev) {
		switch e := e.(type) {
		case SetTimer:
			st.alarms++
			if alarm := st.alarms; !e.At.IsZero() {
				ts.s.push(e.At.Sub(ts.s.now), ts.side, simTask(func() {
					if alarm == st.alarms {
						ts.handle(st, Timer{})
					}
				}), 0)
			}
		case ChildNegotiate:
			spi := ts.s.nextSPI(ts.side)
			ts.bySPI[spi] = st
			ts.s.push(0, ts.side, Negotiate{Policy: st.policy, SPI: spi}, 0)
		case ChildInstall:
			if ts.installed[e.SA.SPI()] != nil {
				ts.s.t.Errorf("%x is installed twice", e.SA.SPI())
			}
			ts.installed[e.SA.SPI()] = e.SA
		case ChildUse:
			if ts.installed[e.SA.SPI()] == nil {
				ts.s.t.Errorf("%x is used and not installed", e.SA.SPI())
			}
			st.using = e.SA.SPI()
		case ChildUninstall:
			if ts.installed[e.SA.SPI()] == nil {
				ts.s.t.Errorf("%x is removed and not installed", e.SA.SPI())
			}
			delete(ts.installed, e.SA.SPI())
			if st.using == e.SA.SPI() {
				st.using = 0
			}
		case ChildFarewell:
			ts.s.push(0, ts.side, DeleteChild(e), 0)
		case ChildEnded:
			st.ended++
		}
	}
}

// perform takes an effect of the SA.
func (ts *simTunnels) perform(e Effect) {
	switch e := e.(type) {
	case ChildOffered:
		terms := Terms{Exchange: e.Exchange, SPI: ts.s.nextSPI(ts.side)}
		for _, st := range ts.tunnels {
			if sameID(&st.policy.Local, &e.Local) && sameID(&st.policy.Remote, &e.Remote) {
				ts.bySPI[terms.SPI] = st
				terms.Policies = []*ChildPolicy{st.policy}
			}
		}
		ts.s.push(ts.s.work(), ts.side, terms, 0)
	case ChildReady:
		ts.handle(ts.bySPI[e.SA.SPI()], e)
	case ChildUp:
		ts.handle(ts.bySPI[e.SA.SPI()], e)
	case ChildFailed:
		ts.handle(ts.bySPI[e.SPI], e)
	case ChildDeleted:
		for _, st := range ts.tunnels {
			ts.handle(st, e)
		}
	}
}

// settled reports whether no quick mode and no farewell is under way.
func (s *simulation) settled() bool {
	for _, side := range s.sides {
		if len(side.sa.quick.farewells) > 0 || slices.ContainsFunc(side.sa.quick.live, func(q *quick) bool { return !q.state.ended() }) {
			return false
		}
	}
	return true
}

// mirrored compares what both sides have installed; "" where it is the same.
func mirrored(a, b *simTunnels) string {
	if len(a.installed) != len(b.installed) {
		return fmt.Sprintf("%d SAs at one end, %d at the other", len(a.installed), len(b.installed))
	}
	for _, sa := range a.installed {
		peer := b.installed[sa.Pairs[0].Out.SPI]
		if peer == nil || !peer.Pairs[0].Out.Encryption.Equal(sa.Pairs[0].In.Encryption) {
			return fmt.Sprintf("the other end has no %x, or another key for it", sa.Pairs[0].Out.SPI)
		}
	}
	return ""
}

// TestChildSimulation lets phase 2 tunnels live for a quarter of an hour over a
// network that loses, repeats and reorders 30 % of all datagrams: begun at either
// end or at both, rekeyed by the clock and by size, at both ends at once, removed
// and begun anew. Both ends agree in the end. What fails once fails again by its
// seed.
func TestChildSimulation(t *testing.T) {
	bad := conditions{loss: 0.3, duplicate: 0.3, latency: 5 * time.Millisecond, jitter: 400 * time.Millisecond}
	quickModes := make([]int, 4)
	t.Run("tunnels", func(t *testing.T) {
		for shard := range quickModes {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for n := shard; n < *childRuns; n += len(quickModes) {
					quickModes[shard] += simulateTunnels(t, int64(n), bad)
				}
			})
		}
	})
	total := 0
	for _, n := range quickModes {
		total += n
	}
	t.Logf("%d quick modes", total)
	if total < *childRuns*8 {
		t.Errorf("only %d quick modes in %d simulations", total, *childRuns)
	}
}

// simulateTunnels is one simulation; it returns how many quick modes there were.
func simulateTunnels(t *testing.T, seed int64, bad conditions) int {
	t.Helper()
	s := establishedPair(t, seed, bad)
	ends := [2]*simTunnels{s.live(0), s.live(1)}
	tunnels := 1 + s.rng.Intn(3)
	for n := range tunnels {
		offer := esp(t, "aes128gcm16")
		offer[0].Lifetime = 4 * time.Minute
		offer[0].LifeKB = 1000
		policy := ChildPolicy{Proposals: []ChildProposal{{ESP: offer}}, Commit: s.rng.Intn(4) == 0}
		if s.rng.Intn(4) == 0 {
			policy.Groups = []suite.Group{suite.ECP256}
		}
		for _, end := range ends {
			end.define(n, policy, ChildConfig{MayNegotiate: true, Overlap: 40})
		}
		starter := s.rng.Intn(3)
		for i, end := range ends {
			if starter == i || starter == 2 {
				s.push(0, i, simTask(func() { end.handle(end.tunnels[n], ChildActivate{}) }), 0)
			}
		}
		// Both ends find at once that the SA has carried enough.
		s.push(time.Duration(100+s.rng.Intn(200))*time.Second, 0, simTask(func() {
			for _, end := range ends {
				st := end.tunnels[n]
				if st.using != 0 {
					end.handle(st, ChildCounted{SPI: st.using, Bytes: 900 << 10})
				}
			}
		}), 0)
		// One end removes it, and some time later one begins anew.
		if s.rng.Intn(3) == 0 {
			end := ends[s.rng.Intn(2)]
			s.push(400*time.Second, 0, simTask(func() { end.handle(end.tunnels[n], ChildRemove{Reason: "removed"}) }), 0)
		}
	}
	again := simTask(func() {
		for n := range tunnels {
			ends[n%2].handle(ends[n%2].tunnels[n], ChildActivate{})
		}
	})
	s.push(560*time.Second, 0, again, 0)
	limit := 15 * time.Minute
	s.run(limit)
	s.net = calm
	// A tunnel whose every message was lost for a minute may be down: it comes
	// back when somebody asks for it.
	s.push(limit-s.now.Sub(s.start), 0, again, 0)
	limit += 70 * time.Second
	s.run(limit)
	for !s.settled() && limit < 20*time.Minute {
		limit += 100 * time.Millisecond
		s.run(limit)
	}
	if text := mirrored(ends[0], ends[1]); text != "" {
		t.Errorf("seed %d: %s", seed, text)
	}
	for i, end := range ends {
		for n, st := range end.tunnels {
			if st.using == 0 {
				t.Errorf("seed %d: tunnel %d is down at side %d: %v", seed, n, i, st.core.Err())
			}
			if c := len(st.core.pairs); c > 3 {
				t.Errorf("seed %d: tunnel %d has %d SAs at side %d", seed, n, c, i)
			}
		}
	}
	return len(s.sides[0].sa.quick.used)
}
