package ikev1

import (
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// hostPolicy protects all traffic between the two hosts, in transport mode.
func hostPolicy(t testing.TB) *ChildPolicy {
	p := ChildPolicy{Name: "hosts", Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}}
	p.Proposals[0].ESP[0].Encapsulation = suite.EncapTransport
	return &p
}

// between makes a simulation with its phase 1, where a NAT may stand before the
// initiator.
func between(t testing.TB, nat bool) *simulation {
	t.Helper()
	net := calm
	net.nat = nat
	s := newSimulation(t, 3, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), net)
	s.begin()
	s.run(5 * time.Second)
	if !s.up() {
		t.Fatal("phase 1 is not up")
	}
	return s
}

// Transport mode between two hosts, which name each other as they know each other.
func TestTransportMode(t *testing.T) {
	s := between(t, false)
	s.sides[1].phase2.terms = func(asked ChildOffered) []*ChildPolicy {
		if a, ok := asked.Remote.Addr(); !ok || a != addrI.Addr() {
			t.Errorf("the peer calls itself %v", asked.Remote)
		}
		return []*ChildPolicy{hostPolicy(t)}
	}
	s.push(0, 0, Negotiate{Policy: hostPolicy(t), SPI: s.nextSPI(0)}, 0)
	s.run(time.Minute)
	both := s.onlyUp(t)
	agree(t, both[0], both[1])
	if got := describeChild(both[0]); got != "ESP aes128-sha256 transport, group 0, 1h0m0s" {
		t.Error(got)
	}
	if both[0].Original != (OriginalAddresses{}) {
		t.Errorf("addresses were told without need: %v", both[0].Original)
	}
}

// Behind a NAT packets go in UDP, and in transport mode each end learns what the
// other calls both: an initiator that names itself by the address that only it
// knows is the host at the other end all the same.
func TestTransportModeBehindNAT(t *testing.T) {
	s := between(t, true)
	s.sides[1].phase2.terms = func(asked ChildOffered) []*ChildPolicy {
		if a, ok := asked.Remote.Addr(); !ok || a != addrNAT {
			t.Errorf("the peer is called %v, want the address it is seen at", asked.Remote)
		}
		return []*ChildPolicy{hostPolicy(t)}
	}
	s.push(0, 0, Negotiate{Policy: hostPolicy(t), SPI: s.nextSPI(0)}, 0)
	s.run(time.Minute)
	both := s.onlyUp(t)
	for i, sa := range both {
		if got := describeChild(sa); got != "ESP aes128-sha256 transport in UDP, group 0, 1h0m0s" {
			t.Error(got)
		}
		if !sa.NAT.Found() || !sa.Path.NATT {
			t.Errorf("side %d: %+v, %+v", i, sa.NAT, sa.Path)
		}
	}
	if want := (OriginalAddresses{Peer: addrI.Addr(), Own: addrR.Addr()}); both[1].Original != want {
		t.Errorf("the responder knows %v, want %v", both[1].Original, want)
	}
	if want := (OriginalAddresses{Peer: addrR.Addr(), Own: addrNAT}); both[0].Original != want {
		t.Errorf("the initiator knows %v, want %v", both[0].Original, want)
	}
}

// The numbers that drafts gave to encapsulation in UDP are understood, and go back
// as they came; those of no UDP are refused behind a NAT.
func TestEncapsulationOffered(t *testing.T) {
	policy := childPolicy(1, 1, onePolicy(t))
	for _, c := range []struct {
		offered suite.Encapsulation
		nat     bool
		want    suite.Encapsulation // 0 where it is refused
	}{
		{suite.EncapTunnel, false, suite.EncapTunnel},
		{0, false, suite.EncapTunnel},
		{suite.EncapTunnel, true, 0},
		{suite.EncapUDPTunnel, true, suite.EncapUDPTunnel},
		{suite.EncapDraftUDPTunnel, true, suite.EncapDraftUDPTunnel},
		{0, true, suite.EncapUDPTunnel},
		{suite.EncapUDPTunnel, false, 0},
		{suite.EncapTransport, false, 0},
	} {
		own := onePolicy(t)
		own.Proposals[0].ESP = own.Proposals[0].ESP[:1]
		offer := newChildOffer(&own, 0x1234, false)
		o := own.Proposals[0].ESP[0]
		o.Encapsulation = c.offered
		offer.Proposals[0].Transforms[0] = o.Transform(1)
		choice, err := chooseChild(childOffering{sa: offer, nat: c.nat, spi: 0x4321}, []*ChildPolicy{policy})
		switch {
		case c.want == 0 && err == nil:
			t.Errorf("%v with NAT %t is accepted", c.offered, c.nat)
		case c.want != 0 && err != nil:
			t.Errorf("%v with NAT %t: %v", c.offered, c.nat, err)
		case err == nil:
			if choice.offers[0].Encapsulation != c.want {
				t.Errorf("%v with NAT %t becomes %v, want %v", c.offered, c.nat, choice.offers[0].Encapsulation, c.want)
			}
			back, err := suite.IPsecOfferFrom(isakmp.ProtocolESP, choice.reply.Proposals[0].Transforms[0])
			if err != nil || back.Encapsulation != c.offered {
				t.Errorf("%v goes back as %v, %v", c.offered, back.Encapsulation, err)
			}
		}
	}
}

// CONNECTED that is lost is asked for anew, and comes in either form.
func TestCommitBit(t *testing.T) {
	for _, form := range []string{"informational", "quick mode"} {
		s := establishedPair(t, 3, calm)
		policy := onePolicy(t)
		policy.Commit = true
		s.sides[1].offer(childPolicy(1, 1, policy))
		base, dropped := s.sides[1].sent, 0
		s.net.drop = func(from, n int, _ []byte) bool {
			drop := from == 1 && n == base+2 || form == "quick mode" && from == 1 && n > base+1
			if drop {
				dropped++
			}
			return drop
		}
		s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, policy), SPI: s.nextSPI(0)}, 0)
		s.run(s.now.Sub(s.start) + 500*time.Millisecond)
		initiator := s.sides[0].phase2
		if len(initiator.ready) != 1 || len(initiator.up) != 0 || len(s.sides[1].phase2.up) != 1 || dropped != 1 {
			t.Fatalf("%s: %d ready, %d up, %d dropped", form, len(initiator.ready), len(initiator.up), dropped)
		}
		if form == "quick mode" {
			q := s.sides[0].sa.quick.live[0]
			first, body := payloadsOf(t, &isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolESP, NotifyType: isakmp.Connected, SPI: spiBytes(q.spi)})
			responder := s.sides[1].sa
			s.push(0, 0, Datagram{Path: s.translate(1, responder.path), Data: craft(responder, q.id, q.iv, first, body)}, 0)
		}
		s.run(s.now.Sub(s.start) + 20*time.Second)
		both := s.onlyUp(t)
		agree(t, both[0], both[1])
	}
	// Where it never comes, the SA is not used, and the responder is told so.
	s := establishedPair(t, 3, calm)
	policy := onePolicy(t)
	policy.Commit = true
	s.sides[1].offer(childPolicy(1, 1, policy))
	base := s.sides[1].sent
	s.net.drop = func(from, n int, _ []byte) bool { return from == 1 && n > base+1 }
	s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, policy), SPI: s.nextSPI(0)}, 0)
	s.run(s.now.Sub(s.start) + 5*time.Minute)
	if len(s.sides[0].phase2.up) != 0 || len(s.sides[0].phase2.failed) != 1 || len(s.sides[1].phase2.deleted) == 0 {
		t.Errorf("initiator: %d up, failed %v; responder: told %v", len(s.sides[0].phase2.up), s.sides[0].phase2.failed, s.sides[1].phase2.deleted)
	}
}
