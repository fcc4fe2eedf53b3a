package ike_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/isakmp"
)

// aggressivePair is two gateways with a preshared key in aggressive mode, the second
// of which knows no address of its peer, only that it is of a group.
func aggressivePair(t *testing.T) (gateway, gateway) {
	t.Helper()
	id := func(s string) ikedb.Identity {
		id, err := ikedb.ParseIdentity(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a, b := pair()
	a.auth, b.auth = ikedb.AuthPresharedKey, ikedb.AuthPresharedKey
	a.change = func(d *ikedb.Definitions) {
		d.Protections[0].Mode, d.Protections[0].AllowWeak = ikedb.ModeAggressive, true
		d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{id("gw2.test")}, Secret: ikedb.NewSecret([]byte("of gw1"))}}
	}
	b.change = func(d *ikedb.Definitions) {
		d.Protections[0].Mode, d.Protections[0].AllowWeak = ikedb.ModeAggressive, true
		d.Tunnels[0].Remote = ikedb.RemoteEnd{Group: "people"}
		d.Groups = []ikedb.Group{{Name: "people", IDs: []ikedb.Identity{id("key_id:somebody"), id("gw1.test")}}}
		d.PresharedKeys = []ikedb.PresharedKey{
			{IDs: []ikedb.Identity{id("key_id:somebody")}, Secret: ikedb.NewSecret([]byte("of somebody"))},
			{IDs: []ikedb.Identity{id("gw1.test")}, Secret: ikedb.NewSecret([]byte("of gw1"))},
		}
	}
	return a, b
}

// In aggressive mode the preshared key is that of the identity, from wherever it
// comes, and the tunnel is marked for what it is.
func TestEngineAggressive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := aggressivePair(t)
		first, second := a.start(t, &n), b.start(t, &n)
		if st := only(t, first); st.Mode != ike.ModeAggressive {
			t.Errorf("before: %+v", st)
		}
		peer := second.Events(100)
		st, err := first.ActivateWait(t.Context(), "1")
		if err != nil || st.State != ike.TunnelActive || st.Mode != ike.ModeAggressive || !slices.Contains(st.Weak, "preshared key in aggressive mode") {
			t.Fatalf("%+v, %v", st, err)
		}
		if ev := await(t, peer, ike.EventEstablished); !strings.Contains(ev.Text, "preshared key in aggressive mode") {
			t.Errorf("%+v", ev)
		}
		if st := only(t, second); st.State != ike.TunnelActive || st.RemoteID != "fqdn:gw1.test" || st.Mode != ike.ModeAggressive {
			t.Errorf("responder: %+v", st)
		}
	})
}

// A tunnel is not answered in a mode that it does not name, and one that names both
// is answered in either.
func TestEngineModes(t *testing.T) {
	pki()
	for _, tc := range []struct {
		starts, answers ikedb.Mode
		mode            string // "" is no answer
	}{
		{ikedb.ModeMain, ikedb.ModeMain, ike.ModeMain},
		{ikedb.ModeAggressive, ikedb.ModeAggressive, ike.ModeAggressive},
		{ikedb.ModeAggressive, ikedb.ModeMain, ""},
		{ikedb.ModeMain, ikedb.ModeAggressive, ""},
		{ikedb.ModeBoth, ikedb.ModeMain, ike.ModeMain},
		{ikedb.ModeBoth, ikedb.ModeAggressive, ""},
		{ikedb.ModeMain, ikedb.ModeBoth, ike.ModeMain},
		{ikedb.ModeAggressive, ikedb.ModeBoth, ike.ModeAggressive},
	} {
		t.Run(string(tc.starts)+"-"+string(tc.answers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				a, b := pair()
				a.change = func(d *ikedb.Definitions) { d.Protections[0].Mode = tc.starts }
				b.change = func(d *ikedb.Definitions) { d.Protections[0].Mode = tc.answers }
				first, second := a.start(t, &n), b.start(t, &n)
				st, err := first.ActivateWait(t.Context(), "1")
				if err != nil || (st.State == ike.TunnelActive) != (tc.mode != "") {
					t.Fatalf("%+v, %v", st, err)
				}
				if tc.mode != "" && st.Mode != tc.mode {
					t.Errorf("mode %q, want %q", st.Mode, tc.mode)
				}
				if tc.mode == "" && !strings.Contains(st.Error, "no answer") {
					t.Errorf("error %q", st.Error)
				}
				synctest.Wait()
				if st := only(t, second); tc.mode == "" && st.State != ike.TunnelDormant {
					t.Errorf("the responder began: %+v", st)
				}
			})
		})
	}
}

// Where main mode requires addresses, a peer whose address no definition has is not
// answered in it.
func TestMainModeRequiresIP(t *testing.T) {
	pki()
	for _, tc := range []struct {
		required, known, up bool
	}{{false, false, true}, {true, false, false}, {true, true, true}} {
		synctest.Test(t, func(t *testing.T) {
			var n iketest.Network
			a, b := pair()
			b.config = func(c *ike.Config) { c.MainModeRequiresIP = tc.required }
			b.change = func(d *ikedb.Definitions) {
				if !tc.known {
					d.Tunnels[0].Remote.Address = netip.Addr{}
				}
			}
			first := a.start(t, &n)
			b.start(t, &n)
			if st, err := first.ActivateWait(t.Context(), "1"); err != nil || (st.State == ike.TunnelActive) != tc.up {
				t.Errorf("%+v: %+v, %v", tc, st, err)
			}
		})
	}
}

// First messages with borrowed addresses, thousands of them, leave room for the
// peer that is there, and nothing behind.
func TestAggressiveFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			once    sync.Once
			message []byte
			taken   = make(chan struct{})
		)
		n := iketest.Network{Drop: func(_, to netip.AddrPort, data []byte) bool {
			if to.Addr() == gw2 && len(data) > 0 && isakmp.ExchangeType(data[18]) == isakmp.Aggressive {
				once.Do(func() {
					message = slices.Clone(data)
					close(taken)
				})
			}
			return false
		}}
		attacker, err := n.Listen(netip.MustParseAddr("203.0.113.66"))
		if err != nil {
			t.Fatal(err)
		}
		defer attacker.Close()
		a, b := aggressivePair(t)
		const room = 64
		b.config = func(c *ike.Config) { c.MaxHalfOpen = room }
		first, second := a.start(t, &n), b.start(t, &n)
		if _, err := first.ActivateWait(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		<-taken
		if _, err := first.Remove(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			binary.BigEndian.PutUint32(message, uint32(i+1))
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), ikedb.DefaultPort)
			p := ike.Packet{Data: message}
			p.Path.Local, p.Path.Remote = from, netip.AddrPortFrom(gw2, ikedb.DefaultPort)
			if err := attacker.Send(p); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stats, err := second.Stats(t.Context())
		if err != nil || stats.Negotiating > room/2 || stats.TurnedAway == 0 {
			t.Errorf("%d negotiations, %d turned away, %v", stats.Negotiating, stats.TurnedAway, err)
		}
		st, err := first.ActivateWait(t.Context(), "1")
		if err != nil || st.State != ike.TunnelActive {
			t.Errorf("%+v, %v", st, err)
		}
		// What the flood began ends by its deadline.
		events := second.Events(10_000)
		for stats.Negotiating > 0 {
			await(t, events, ike.EventFailed)
			if stats, err = second.Stats(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
