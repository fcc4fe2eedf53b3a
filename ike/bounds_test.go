package ike

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// nowhere is a Transport on which nothing ever comes.
type nowhere struct{ Transport }

func (nowhere) Send(Packet) error { return nil }

// idle is an engine that does not run, with one tunnel for any peer.
func idle(t *testing.T, logger *slog.Logger) *Engine {
	t.Helper()
	transform, err := suite.ParseTransform("aes128-sha256-ecp256")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.2")
	id, err := ikedb.AddrIdentity(addr)
	if err != nil {
		t.Fatal(err)
	}
	db, err := ikedb.New(ikedb.Definitions{
		Tunnels: []ikedb.Tunnel{{Name: "t", Protection: "p",
			Local: ikedb.LocalEnd{Address: netip.MustParseAddr("192.0.2.1")}, Remote: ikedb.RemoteEnd{Address: addr}}},
		Protections:   []ikedb.Protection{{Name: "p", Auth: ikedb.AuthPresharedKey, Transforms: []suite.Transform{transform}}},
		PresharedKeys: []ikedb.PresharedKey{{IDs: []ikedb.Identity{id}, Secret: ikedb.NewSecret([]byte("a secret"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{DB: db, Transport: nowhere{}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	e.ctx = t.Context()
	return e
}

// pendingSession is a session that a peer has begun.
func (e *Engine) pendingSession(t *testing.T, remote netip.AddrPort) *session {
	t.Helper()
	policy, ok := e.policy(e.defs["t"], ikedb.ModeMain, netip.MustParseAddr("192.0.2.2"))
	if !ok {
		t.Fatal("no policy")
	}
	s, err := e.newSession(ikev1.Config{Role: ikev1.Responder, Policies: []*ikev1.Policy{policy}, Path: ikev1.Path{Remote: remote}})
	if err != nil {
		t.Fatal(err)
	}
	s.opener = opener{isakmp.Cookie{byte(s.id)}, remote}
	e.openers[s.opener] = s
	e.pending.add(s)
	return s
}

func TestPeerKeepsFewSAs(t *testing.T) {
	e := idle(t, nil)
	var last *session
	for range maxPerPeer + 3 {
		last = e.pendingSession(t, netip.MustParseAddrPort("192.0.2.2:500"))
		last.def, last.state, last.peerID = e.defs["t"], TunnelActive, "ipv4:192.0.2.2"
	}
	other := e.pendingSession(t, netip.MustParseAddrPort("192.0.2.2:500"))
	other.def, other.state, other.peerID = e.defs["t"], TunnelActive, "another peer"
	e.dropExcess(last)
	active := 0
	for _, s := range e.sessions {
		if s.state == TunnelActive && s.peerID == last.peerID {
			active++
		}
	}
	if active != maxPerPeer || last.state != TunnelActive || other.state != TunnelActive {
		t.Errorf("%d SAs are left; the last is %v, that of another peer %v", active, last.state, other.state)
	}
}

// An IPv6 host has a whole network: it counts as one source.
func TestSources(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if got := sourceOf(netip.MustParseAddr(tc.a)) == sourceOf(netip.MustParseAddr(tc.b)); got != tc.same {
			t.Errorf("%s and %s: %v", tc.a, tc.b, got)
		}
	}
	e := idle(t, nil)
	for i := range 5 {
		e.pendingSession(t, netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1)), 500))
	}
	if n := e.pending.source[sourceOf(netip.MustParseAddr("2001:db8::1"))].Len(); n != 5 {
		t.Errorf("%d sessions of one network", n)
	}
	for _, s := range e.ordered() {
		e.forget(s)
	}
	if e.pending.all.Len() != 0 || len(e.pending.source) != 0 || len(e.openers) != 0 || len(e.cookies) != 0 {
		t.Error("something is left of forgotten sessions")
	}
}

// Strangers cannot fill the log, and what was left out is told.
func TestNoiseIsBounded(t *testing.T) {
	var out bytes.Buffer
	e := idle(t, slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Now()
	for range 10 * maxNoise {
		e.log(Event{Time: now, Kind: EventFailed, Text: "of a stranger"})
	}
	e.log(Event{Time: now, Kind: EventFailed, Tunnel: "t", Text: "of a tunnel"})
	if n := strings.Count(out.String(), "of a stranger"); n != maxNoise {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(out.String(), "of a tunnel") {
		t.Error("a tunnel's own failure is drowned")
	}
	e.log(Event{Time: now.Add(2 * time.Second), Kind: EventFailed, Text: "later"})
	if want := fmt.Sprintf("lines=%d", 9*maxNoise); !strings.Contains(out.String(), want) {
		t.Errorf("the log does not say %s", want)
	}
}

// A panic over a peer's input costs that peer its negotiation.
func TestGuard(t *testing.T) {
	err := guard(func() error { panic("index out of range") })
	if err == nil || !strings.Contains(err.Error(), "internal failure") {
		t.Errorf("%v", err)
	}
}
