package ike_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/suite"
)

// dataPair is two gateways with phase 2 tunnels between them, and their data
// planes. change may alter the definitions of either side (0 or 1).
func dataPair(t *testing.T, change func(side int, d *ikedb.Definitions)) (gateway, gateway, *[2]*iketest.DataPlane) {
	t.Helper()
	planes := new([2]*iketest.DataPlane)
	left, right := pair()
	for i, g := range []*gateway{&left, &right} {
		tunnel := "to-" + g.peer
		g.auth, g.psk = ikedb.AuthPresharedKey, "secret"
		g.config = func(c *ike.Config) {
			planes[i] = iketest.NewDataPlane() // in the bubble of the clock
			c.DataPlane = planes[i]
		}
		g.change = func(d *ikedb.Definitions) {
			d.Proposals = []ikedb.Proposal{{Name: "esp", ESP: []ikedb.DataTransform{dataESP(t, "aes128-sha256 1h")}}}
			d.DataProtections = []ikedb.DataProtection{{Name: "lan", Proposals: []string{"esp"}}}
			for n, name := range []string{"nets", "more"} {
				nets := [2]string{"10.1.0.0/16", "10.2.0.0/16"}
				if n == 1 {
					nets = [2]string{"10.3.0.0/16", "10.4.0.1-10.4.0.99"}
				}
				d.DataTunnels = append(d.DataTunnels, ikedb.DataTunnel{
					Name: name, Tunnel: tunnel, Protection: "lan",
					Local:  ikedb.Selector{Endpoint: dataEndpoint(t, nets[i])},
					Remote: ikedb.DataRemote{Selector: ikedb.Selector{Endpoint: dataEndpoint(t, nets[1-i])}},
				})
			}
			if change != nil {
				change(i, d)
			}
		}
	}
	return left, right, planes
}

func dataEndpoint(t *testing.T, s string) ikedb.Endpoint {
	t.Helper()
	e, err := ikedb.ParseEndpoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func dataESP(t *testing.T, s string) ikedb.DataTransform {
	t.Helper()
	tr, err := ikedb.ParseESP(s)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// inBubble runs two engines with a fake clock.
func inBubble(t *testing.T, left, right gateway, f func(t *testing.T, a, b *ike.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		ctx, cancel := context.WithCancel(t.Context())
		a, b := left.startWith(t, ctx, &n), right.startWith(t, ctx, &n)
		defer cancel()
		f(t, a, b)
	})
}

// checkPlanes compares the data planes, which must hold n SAs each.
func checkPlanes(t *testing.T, planes *[2]*iketest.DataPlane, n int) {
	t.Helper()
	synctest.Wait()
	if text := iketest.Disagreement(planes[0], planes[1]); text != "" {
		t.Error(text)
	}
	for i, p := range planes {
		if got := len(p.Installed()); got != n {
			t.Errorf("side %d holds %d SAs, want %d", i, got, n)
		}
		if faults := p.Faults(); len(faults) > 0 {
			t.Errorf("side %d: %q", i, faults)
		}
	}
}

// used returns the SAs that packets go out by.
func used(p *iketest.DataPlane) []iketest.Installed {
	var all []iketest.Installed
	for _, sa := range p.Installed() {
		if sa.Used {
			all = append(all, sa)
		}
	}
	return all
}

func TestActivateData(t *testing.T) {
	left, right, planes := dataPair(t, nil)
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		// The first brings phase 1 with it; the second goes under that.
		for i, name := range []string{"nets", "2"} {
			st, err := a.ActivateDataWait(t.Context(), name)
			if err != nil || st.State != ike.TunnelActive || st.Role != "initiator" || st.PeerID != "fqdn:gw2.test" || len(st.SAs) != 1 {
				t.Fatalf("%s: %+v, %v", name, st, err)
			}
			checkPlanes(t, planes, i+1)
		}
		sa := planes[0].Installed()[0]
		if sa.Peer != "fqdn:gw2.test" || sa.SA.Path.Remote.Addr() != gw2 || sa.SA.Lifetime != time.Hour {
			t.Errorf("%+v", sa)
		}
		list, err := b.ListData(t.Context(), "to-gw1")
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, st := range list {
			if st.State != ike.TunnelActive || st.Role != "responder" || st.SAs[0].State != "used" || len(st.SAs[0].Protocols[0].SPIIn) != 8 || st.SAs[0].Counters == nil {
				t.Errorf("%+v", st)
			}
		}
		// One is removed at one end, and gone at both; phase 1 stays.
		if n, err := b.RemoveData(t.Context(), "nets"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		checkPlanes(t, planes, 1)
		if list, _ := a.ListData(t.Context(), "to-gw2"); list[0].State != ike.TunnelClosed || list[0].Error != "deleted by the peer" || list[1].State != ike.TunnelActive {
			t.Errorf("%+v", list)
		}
		if _, err := b.RemoveData(t.Context(), "nets"); !errors.Is(err, ike.ErrNotActive) {
			t.Error(err)
		}
		// The end of phase 1 by an operator is that of all.
		if n, err := a.Remove(t.Context(), "to-gw2"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		checkPlanes(t, planes, 0)
	})
}

// Phase 2 outlives the phase 1 that negotiated it, and is rekeyed under a new one.
func TestDataOutlivesPhase1(t *testing.T) {
	left, right, planes := dataPair(t, func(_ int, d *ikedb.Definitions) {
		d.Protections[0].Lifetime = 10 * time.Minute
	})
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		if st, err := a.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		first := used(planes[0])[0].SA.SPI()
		time.Sleep(20 * time.Minute)
		checkPlanes(t, planes, 1)
		if list, _ := a.List(t.Context()); list[0].State != ike.TunnelClosed {
			t.Errorf("phase 1 is %v", list[0].State)
		}
		events := a.Events(1000)
		time.Sleep(35 * time.Minute)
		checkPlanes(t, planes, 1)
		if now := used(planes[0])[0].SA.SPI(); now == first {
			t.Error("phase 2 was not rekeyed")
		}
		var kinds []string
		for len(events.C) > 0 {
			switch ev := <-events.C; ev.Kind {
			case ike.EventEstablished, ike.EventDataRekeyed, ike.EventDataUp, ike.EventDataDown, ike.EventDataFailed:
				kinds = append(kinds, string(ev.Kind))
			}
		}
		if got := strings.Join(kinds, " "); got != "established data-rekeyed" {
			t.Errorf("events: %s", got)
		}
		// For days, and never without an SA.
		for range 48 {
			time.Sleep(time.Hour)
			if len(used(planes[0])) != 1 || len(used(planes[1])) != 1 {
				t.Fatal("there is no SA")
			}
		}
		checkPlanes(t, planes, 1)
	})
}

func TestDataRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(side int, d *ikedb.Definitions)
		starts string
		want   string // in the initiator's error
		here   string // in the responder's event
	}{
		"algorithms": {func(side int, d *ikedb.Definitions) {
			if side == 1 {
				d.Proposals[0].ESP = []ikedb.DataTransform{dataESP(t, "aes256gcm16")}
			}
		}, "nets", "NO-PROPOSAL-CHOSEN: it accepts nothing of what was offered, ESP aes128-sha256, tunnel", "accepted for this traffic: ESP aes256gcm16, tunnel"},
		"group": {func(side int, d *ikedb.Definitions) {
			if side == 1 {
				d.DataProtections[0].PFS = suite.ECP256
			}
		}, "nets", "NO-PROPOSAL-CHOSEN", "ESP aes128-sha256 with ecp256, tunnel"},
		"traffic": {func(side int, d *ikedb.Definitions) {
			if side == 1 {
				d.DataTunnels = d.DataTunnels[:1]
			}
		}, "more", "INVALID-ID-INFORMATION", `the peer wants to protect 10.4.0.1-10.4.0.99 here and 10.3.0.0/16 there, for which tunnel "to-gw1" has no phase 2`},
		"only answers": {func(side int, d *ikedb.Definitions) {
			if side == 1 {
				d.DataProtections[0].Role = ikedb.RoleInitiator
			}
		}, "nets", "INVALID-ID-INFORMATION", "has no phase 2"},
	} {
		t.Run(name, func(t *testing.T) {
			left, right, planes := dataPair(t, c.change)
			inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
				events := b.Events(1000)
				st, err := a.ActivateDataWait(t.Context(), c.starts)
				if err != nil || st.State != ike.TunnelFailed || !strings.Contains(st.Error, c.want) {
					t.Errorf("%v, %q, %v", st.State, st.Error, err)
				}
				checkPlanes(t, planes, 0)
				for ev := range events.C {
					if ev.Kind == ike.EventDataFailed {
						if !strings.Contains(ev.Text, c.here) {
							t.Errorf("the responder says %q", ev.Text)
						}
						break
					}
				}
			})
		})
	}
}

// Size counts as time does: an SA is replaced before its life size is used up.
func TestDataLifeSize(t *testing.T) {
	left, right, planes := dataPair(t, func(_ int, d *ikedb.Definitions) {
		d.Proposals[0].ESP = []ikedb.DataTransform{dataESP(t, "aes128-sha256 1h 1000KB")}
		d.DataProtections[0].TunnelKB = 5000
	})
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		if st, err := a.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		seen := map[uint32]bool{}
		for range 5 {
			spi := used(planes[0])[0].SA.SPI()
			if seen[spi] {
				t.Fatal("the SA was not replaced")
			}
			seen[spi] = true
			planes[0].Carry(spi, 900<<10)
			time.Sleep(time.Minute)
		}
		checkPlanes(t, planes, 1)
		planes[0].Carry(used(planes[0])[0].SA.SPI(), 600<<10) // 5,100 kB in all
		time.Sleep(time.Minute)
		checkPlanes(t, planes, 0)
		if list, _ := a.ListData(t.Context(), "to-gw2"); list[0].State != ike.TunnelClosed || list[0].Error != "the tunnel's life size is used up" {
			t.Errorf("%+v", list[0])
		}
	})
}

func TestDataOnDemandAndAutostart(t *testing.T) {
	left, right, planes := dataPair(t, func(side int, d *ikedb.Definitions) {
		if side == 0 {
			d.DataTunnels[0].AutoStart, d.DataTunnels[1].OnDemand = true, true
		}
	})
	inBubble(t, left, right, func(t *testing.T, _, _ *ike.Engine) {
		time.Sleep(10 * time.Second)
		checkPlanes(t, planes, 1)
		if traps := planes[0].Traps(); len(traps) != 1 || traps[0].Tunnel != "more" || traps[0].Remote.String() != "10.4.0.1-10.4.0.99" {
			t.Errorf("traps: %+v", traps)
		}
		planes[0].Acquire("more")
		time.Sleep(10 * time.Second)
		checkPlanes(t, planes, 2)
	})
}

// A data plane that does not take an SA ends the tunnel at both ends.
func TestDataPlaneRefuses(t *testing.T) {
	left, right, planes := dataPair(t, nil)
	inBubble(t, left, right, func(t *testing.T, a, _ *ike.Engine) {
		planes[0].Refuse(errors.New("out of memory"))
		st, err := a.ActivateDataWait(t.Context(), "nets")
		if err != nil || st.State == ike.TunnelActive || !strings.Contains(st.Error, "the data plane: out of memory") {
			t.Errorf("%+v, %v", st, err)
		}
		time.Sleep(time.Minute)
		checkPlanes(t, planes, 0)
	})
}

// A peer that begins anew has nothing of what was.
func TestDataInitialContact(t *testing.T) {
	left, right, planes := dataPair(t, nil)
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		right.startWith(t, t.Context(), &n)
		ctx, crash := context.WithCancel(t.Context())
		dead := false
		n.Drop = func(from, _ netip.AddrPort, _ []byte) bool { return dead && from.Addr() == gw1 }
		a := left.startWith(t, ctx, &n)
		if st, err := a.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		time.Sleep(time.Minute)
		dead = true // it says good-bye to nobody
		crash()
		synctest.Wait()
		dead = false
		a = left.startWith(t, t.Context(), &n)
		if st, err := a.ActivateWait(t.Context(), "to-gw2"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		checkPlanes(t, planes, 0)
	})
}

// A phase 1 tunnel is activated with its phase 2, and its phase 1 removed alone or
// with it.
func TestBothPhases(t *testing.T) {
	left, right, planes := dataPair(t, nil)
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		st, err := a.ActivateBoth(t.Context(), "1", true)
		if err != nil || st.State != ike.TunnelActive || len(st.Data) != 2 || st.Data[0].State != ike.TunnelActive || st.Data[1].State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		checkPlanes(t, planes, 2)
		if st := only(t, b); len(st.Data) != 2 || st.Data[1].Tunnel != "more" || st.Data[1].SAs[0].State != "used" {
			t.Errorf("%+v", st)
		}
		if n, err := a.RemovePhase1(t.Context(), "to-gw2"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		checkPlanes(t, planes, 2)
		if st := only(t, a); st.State != ike.TunnelClosed || len(st.Data) != 2 || st.Data[0].State != ike.TunnelActive {
			t.Errorf("%+v", st)
		}
		// Without a phase 1 the peer cannot be told: it has them until they end.
		if n, err := a.Remove(t.Context(), "to-gw2"); n != 2 || err != nil {
			t.Error(n, err)
		}
		if n := len(planes[0].Installed()); n != 0 {
			t.Errorf("%d SAs are left", n)
		}
	})
}

// What comes of a negotiation whose tunnel was removed meanwhile is given back.
func TestRemoveWhileNegotiating(t *testing.T) {
	left, right, planes := dataPair(t, func(_ int, d *ikedb.Definitions) {
		d.DataProtections[0].PFS = suite.ECP256
	})
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		if st, err := a.ActivateWait(t.Context(), "1"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		if _, err := a.ActivateData(t.Context(), "nets"); err != nil {
			t.Fatal(err)
		}
		if n, err := a.RemoveData(t.Context(), "nets"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(2 * time.Minute)
		checkPlanes(t, planes, 0)
		if st, err := b.ActivateDataWait(t.Context(), "nets"); err != nil || st.State != ike.TunnelActive {
			t.Fatal(st, err)
		}
		checkPlanes(t, planes, 1)
	})
}

// Both ends start at once, phase 1 and phase 2: one SA is left at both.
func TestDataBothStart(t *testing.T) {
	left, right, planes := dataPair(t, nil)
	inBubble(t, left, right, func(t *testing.T, a, b *ike.Engine) {
		done := make(chan error, 2)
		for _, e := range []*ike.Engine{a, b} {
			go func() {
				st, err := e.ActivateDataWait(t.Context(), "nets")
				if err == nil && st.State != ike.TunnelActive {
					err = errors.New(st.Error)
				}
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		time.Sleep(5 * time.Minute)
		checkPlanes(t, planes, 1)
		time.Sleep(5 * time.Hour)
		checkPlanes(t, planes, 1)
	})
}
