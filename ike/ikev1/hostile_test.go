package ikev1

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// until runs a simulation up to the moment at which a side reaches a state.
func (s *simulation) until(side int, state State) {
	s.t.Helper()
	for len(s.queue) > 0 && s.sides[side].sa.State() != state {
		s.run(s.queue[0].at.Sub(s.start))
	}
	if got := s.sides[side].sa.State(); got != state {
		s.t.Fatalf("side %d is %v, not %v", side, got, state)
	}
}

// last returns the datagram that a side sent last.
func (s *simulation) last(side int) sentDatagram {
	s.t.Helper()
	for i := len(s.flow) - 1; i >= 0; i-- {
		if s.flow[i].from == side {
			return s.flow[i]
		}
	}
	s.t.Fatalf("side %d has sent nothing", side)
	return sentDatagram{}
}

// A sender who has not seen our cookie gets no work out of us: it may bear
// anybody's address (RFC 2408, 2.5.3).
func TestMessage3NeedsTheCookie(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), calm)
	s.begin()
	s.until(0, AwaitKE)
	d := s.last(0)
	blind := bytes.Clone(d.data)
	copy(blind[8:16], make([]byte, 8))
	for _, e := range s.sides[1].sa.Handle(s.now, Datagram{Path: s.translate(0, d.path), Data: blind}) {
		if _, ok := e.(GenerateKey); ok {
			t.Fatal("a message 3 without our cookie makes us compute")
		}
	}
	s.run(time.Minute)
	if !s.up() {
		t.Error("the real message 3 came to nothing")
	}
}

// What we sent does not count as the peer's when it comes back: HASH(1) has no
// direction.
func TestReflectedProbeConfirmsNothing(t *testing.T) {
	net := calm
	// Message 6, and everything after it, never arrives.
	net.drop = func(from, _ int, data []byte) bool {
		return from == 1 && data[19]&uint8(isakmp.FlagEncryption) != 0
	}
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), net)
	s.begin()
	s.until(1, StateEstablished)
	// The initiator falls silent, and somebody sends back all that it is sent.
	s.sides[0].sa.end(StateFailed)
	for seen := len(s.flow); len(s.queue) > 0 && s.queue[0].at.Sub(s.start) < 5*time.Minute; seen = len(s.flow) {
		s.run(s.queue[0].at.Sub(s.start))
		for _, d := range s.flow[seen:] {
			if d.from == 1 {
				s.perform(1, s.sides[1].sa.Handle(s.now, Datagram{Path: s.translate(0, Path{Local: addrI, Remote: addrR}), Data: d.data}))
			}
		}
	}
	if s.sides[1].closed == "" || !strings.Contains(s.sides[1].closed, "does not answer") {
		t.Errorf("the SA lives on its own messages: %v, %q", s.sides[1].sa.State(), s.sides[1].closed)
	}
}

// The key that somebody computes with is not wiped under their hands, whenever
// the SA ends.
func TestEndLeavesTheKeyToItsUser(t *testing.T) {
	for _, transform := range []string{"aes128-sha256-ecp256", "aes128-sha256-modp1024"} {
		s := newSimulation(t, 1, testPair(t, transform, suite.PresharedKey), calm)
		s.begin()
		s.until(0, AwaitKE)
		s.until(1, ComputingSecret)
		d := s.last(1)
		var asked *ComputeSecret
		for _, e := range s.sides[0].sa.Handle(s.now, Datagram{Path: s.translate(1, d.path), Data: d.data}) {
			if c, ok := e.(ComputeSecret); ok {
				asked = &c
			}
		}
		if asked == nil {
			t.Fatal("no secret was asked for")
		}
		s.sides[0].sa.Handle(s.now, Close{Reason: "removed"})
		if _, err := asked.Key.Shared(asked.Peer); err != nil {
			t.Errorf("%s: %v", transform, err)
		}
	}
}

// A message 5 that somebody copies and sends from elsewhere does not take
// message 6 there.
func TestAnotherAddressIsIgnored(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), calm)
	s.begin()
	s.until(0, AwaitAuth)
	d := s.last(0)
	path := s.translate(0, d.path)
	path.Remote = netip.MustParseAddrPort("203.0.113.66:500")
	s.perform(1, s.sides[1].sa.Handle(s.now, Datagram{Path: path, Data: d.data}))
	s.run(time.Minute)
	if !s.up() || s.sides[1].sa.Path().Remote != addrI {
		t.Errorf("up %v, path %v", s.up(), s.sides[1].sa.Path())
	}
}

// A responder that waits for message 3 goes soon, and leaves nothing behind.
func TestHalfOpenGoesSoon(t *testing.T) {
	net := calm
	net.drop = func(from, n int, _ []byte) bool { return from == 0 && n > 1 }
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), net)
	s.begin()
	s.until(1, Gone)
	if took := s.now.Sub(s.start); took > DefaultTiming.HalfOpen+time.Second {
		t.Errorf("gone after %v", took)
	}
}

// In aggressive mode, too, only who has seen our cookie makes us compute the secret,
// and a copy of message 3 from elsewhere takes nothing there.
func TestAggressiveMessage3NeedsTheCookie(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), calm)
	s.begin()
	s.until(0, StateEstablished)
	d := s.last(0)
	blind := bytes.Clone(d.data)
	copy(blind[8:16], make([]byte, 8))
	elsewhere := s.translate(0, d.path)
	elsewhere.Remote = netip.MustParseAddrPort("203.0.113.66:500")
	for _, hostile := range []Datagram{{Path: s.translate(0, d.path), Data: blind}, {Path: elsewhere, Data: d.data}} {
		for _, e := range s.sides[1].sa.Handle(s.now, hostile) {
			if _, ok := e.(ComputeSecret); ok {
				t.Fatal("a message 3 from anybody makes us compute")
			}
		}
	}
	if s.sides[1].sa.Proven() {
		t.Error("the peer counts as one that gets our answers")
	}
	s.run(time.Minute)
	if !s.up() || s.sides[1].sa.Path().Remote != addrI {
		t.Errorf("up %v, path %v", s.up(), s.sides[1].sa.Path())
	}
}

// An initiator of aggressive mode whose peer vanishes before message 3 gives the SA
// up, and does not live on its own questions.
func TestAggressiveInitiatorGivesUp(t *testing.T) {
	net := calm
	net.drop = func(from, n int, _ []byte) bool { return from == 0 && n > 1 }
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), net)
	s.begin()
	s.until(0, StateEstablished)
	for seen := len(s.flow); len(s.queue) > 0 && s.queue[0].at.Sub(s.start) < 5*time.Minute; seen = len(s.flow) {
		s.run(s.queue[0].at.Sub(s.start))
		for _, d := range s.flow[seen:] {
			if d.from == 0 {
				// Sent back by somebody.
				s.perform(0, s.sides[0].sa.Handle(s.now, Datagram{Path: s.translate(1, Path{Local: addrR, Remote: addrI}), Data: d.data}))
			}
		}
	}
	if !strings.Contains(s.sides[0].closed, "does not answer") || s.sides[1].sa.State() != Gone {
		t.Errorf("initiator %v, %q; responder %v", s.sides[0].sa.State(), s.sides[0].closed, s.sides[1].sa.State())
	}
}

// What an initiator of aggressive mode says as one that is done brings message 2
// again, and that its message 3, a bounded number of times.
func TestMissingMessage3IsAskedFor(t *testing.T) {
	net := calm
	net.drop = func(from, n int, data []byte) bool {
		return from == 0 && data[18] == uint8(isakmp.Aggressive) && n > 1 && n < 4
	}
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), net)
	s.begin()
	s.until(0, StateEstablished)
	sent := s.sides[1].sent
	h := s.sides[0].sa.header(isakmp.QuickMode, 7)
	h.Flags, h.Next, h.Length = isakmp.FlagEncryption, isakmp.PayloadHash, isakmp.HeaderLen+32
	quick := append(h.AppendTo(nil), make([]byte, 32)...)
	for range 3 * maxInformational {
		s.perform(1, s.sides[1].sa.Handle(s.now, Datagram{Path: Path{Local: addrR, Remote: addrI}, Data: quick}))
	}
	if got := s.sides[1].sent - sent; got != maxInformational {
		t.Errorf("message 2 was sent %d times again", got)
	}
	s.run(time.Minute)
	if !s.up() {
		t.Errorf("initiator %v, responder %v", s.sides[0].sa.State(), s.sides[1].sa.State())
	}
}
