package ikev1

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

var calm = conditions{latency: 10 * time.Millisecond}

func TestMainModeEstablishes(t *testing.T) {
	for _, tc := range []struct {
		transform string
		auth      suite.AuthMethod
	}{
		{"aes128-sha256-modp2048", suite.RSASignature},
		{"aes256-sha512-ecp256", suite.RSASignature},
		{"aes256-sha384-ecp521", suite.RSASignature},
		{"3des-md5-modp1024", suite.RSASignature},
		{"aes128-sha1-ecp256", suite.ECDSA256},
		{"aes256-sha256-ecp384", suite.ECDSA384},
		{"aes256-sha512-ecp521", suite.ECDSA521},
		{"aes128-sha1-modp1536", suite.PresharedKey},
		{"aes192-sha256-ecp384", suite.PresharedKey},
	} {
		t.Run(tc.transform+"/"+tc.auth.String(), func(t *testing.T) {
			s := newSimulation(t, 1, testPair(t, tc.transform, tc.auth), calm)
			s.begin()
			s.run(time.Minute)
			if !s.up() {
				t.Fatalf("initiator %v (%v), responder %v (%v)", s.sides[0].sa.State(), s.sides[0].failed, s.sides[1].sa.State(), s.sides[1].failed)
			}
			i, r := s.sides[0].sa, s.sides[1].sa
			if !bytes.Equal(i.keys.a, r.keys.a) || !bytes.Equal(i.keys.d, r.keys.d) || len(i.keys.d) == 0 {
				t.Error("the keys differ")
			}
			if got := string(s.sides[1].established.PeerID.Data); got != "i.test" {
				t.Errorf("responder met %q", got)
			}
			if !s.sides[1].established.InitialContact {
				t.Error("INITIAL-CONTACT was lost")
			}
			if got := s.sides[0].established.Transform.String(); got != tc.transform {
				t.Errorf("transform %s", got)
			}
			if s.sides[0].established.NAT.Found() || s.sides[1].established.NAT.Found() {
				t.Error("a NAT was found where none is")
			}
		})
	}
}

// Every single loss of one datagram is made good.
func TestMainModeSurvivesEachLoss(t *testing.T) {
	for from := range 2 {
		for n := 1; n <= 8; n++ {
			net := calm
			net.drop = func(f, i int, _ []byte) bool { return f == from && i == n }
			s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.RSASignature), net)
			s.begin()
			s.run(time.Minute)
			if !s.up() {
				t.Errorf("datagram %d of side %d lost: initiator %v, responder %v", n, from, s.sides[0].sa.State(), s.sides[1].sa.State())
			}
		}
	}
}

func TestNATMovesToPort4500(t *testing.T) {
	for _, tc := range []struct {
		name  string
		nat   bool
		force bool
	}{{"nat", true, false}, {"forced", false, true}} {
		t.Run(tc.name, func(t *testing.T) {
			c := testPair(t, "aes128-sha256-ecp256", suite.RSASignature)
			c.initiator.ForceNATT = tc.force
			net := calm
			net.nat = tc.nat
			s := newSimulation(t, 1, c, net)
			s.begin()
			s.run(time.Minute)
			if !s.up() {
				t.Fatal("not established")
			}
			if !s.sides[0].established.NAT.Local || !s.sides[1].established.NAT.Remote {
				t.Errorf("found %+v and %+v", s.sides[0].established.NAT, s.sides[1].established.NAT)
			}
			if !s.sides[0].sa.Path().NATT || s.sides[0].sa.Path().Remote != addrRNATT || !s.sides[1].sa.Path().NATT {
				t.Errorf("paths %v and %v", s.sides[0].sa.Path(), s.sides[1].sa.Path())
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	revoked := errors.New("certificate 0a is revoked")
	for _, tc := range []struct {
		name           string
		change         func(*simConfig)
		reject         int // the side that rejects its peer, or -1
		initiator      string
		responder      string
		auth           suite.AuthMethod
		notEstablished bool
	}{
		{"initiator revoked", nil, 1, "AUTHENTICATION-FAILED", "0a is revoked", suite.RSASignature, true},
		{"responder revoked", nil, 0, "0a is revoked", "", suite.RSASignature, false},
		{"different preshared keys", func(c *simConfig) { c.responder.Policies[0].PSK = []byte("wrong") },
			-1, "PAYLOAD-MALFORMED", "preshared keys differ", suite.PresharedKey, true},
		{"no common transform", func(c *simConfig) {
			c.responder.Policies[0].Transforms = []suite.Transform{{Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.ECP256, Auth: suite.PresharedKey}}
		}, -1, "NO-PROPOSAL-CHOSEN", "no policy here accepts", suite.PresharedKey, true},
		{"unknown initiator", func(c *simConfig) { c.responder.Policies[0].MatchID = matchFQDN("x.test") },
			-1, "INVALID-ID-INFORMATION", "i.test", suite.RSASignature, true},
		{"unexpected responder", func(c *simConfig) { c.initiator.Policies[0].MatchID = matchFQDN("x.test") },
			-1, "r.test", "", suite.RSASignature, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testPair(t, "aes128-sha256-ecp256", tc.auth)
			if tc.change != nil {
				tc.change(&c)
			}
			s := newSimulation(t, 1, c, calm)
			if tc.reject >= 0 {
				s.sides[tc.reject].reject = revoked
			}
			s.begin()
			s.run(5 * time.Minute)
			for i, want := range []string{tc.initiator, tc.responder} {
				me := s.sides[i]
				if me.sa.State() != Gone || !me.done {
					t.Errorf("side %d is still %v", i, me.sa.State())
				}
				switch {
				case want == "" && me.closed == "":
					t.Errorf("side %d was not closed by its peer", i)
				case want != "" && (me.failed == nil || !strings.Contains(me.failed.Error(), want)):
					t.Errorf("side %d failed with %v, want %q", i, me.failed, want)
				}
				if i == 0 && me.established != nil || tc.notEstablished && me.established != nil {
					t.Errorf("side %d established", i)
				}
			}
		})
	}
}

// A peer that answers with an error while it fetches a revocation list, and
// accepts the retransmission, still gets its tunnel.
func TestErrorBeforeAcceptance(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.RSASignature), calm)
	// The peer is another program: its word is not final.
	s.begin()
	refused := false
	for len(s.queue) > 0 && s.now.Sub(s.start) < time.Minute {
		s.run(s.queue[0].at.Sub(s.start))
		i, r := s.sides[0].sa, s.sides[1].sa
		i.peer.keyman = false
		if r.State() == AwaitAuth && i.State() == AwaitAuth && !refused {
			refused = true
			// The first message 5 is refused, with keys, and forgotten.
			// The peer encrypts as if message 5 had been read: the chain
			// of the initiator is one block further.
			saved := r.chain.last
			r.chain.last = i.chain.last
			data, err := r.sealInformational(r.notification(isakmp.AuthenticationFailed, nil))
			if err != nil {
				t.Fatal(err)
			}
			r.chain.last = saved
			for n, q := range s.queue {
				if _, ok := q.event.(Datagram); ok && q.to == 1 {
					s.queue[n].event = Datagram{} // lost in the refusal
				}
			}
			s.push(time.Millisecond, 0, Datagram{Path: Path{Local: addrI, Remote: addrR}, Data: data}, 0)
		}
	}
	if !refused || !s.up() {
		t.Fatalf("refused %v, initiator %v (%v), responder %v", refused, s.sides[0].sa.State(), s.sides[0].failed, s.sides[1].sa.State())
	}
	found := false
	for _, tr := range s.sides[0].traces {
		found = found || tr.Kind == TraceNotification && strings.Contains(tr.Note, "AUTHENTICATION-FAILED")
	}
	if !found {
		t.Error("the refusal was not seen")
	}
}

func TestCloseDeletesOnBothSides(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), calm)
	s.begin()
	s.run(time.Minute)
	if !s.up() {
		t.Fatal("not established")
	}
	s.push(0, 0, Close{Reason: "removed"}, 0)
	s.run(2 * time.Minute)
	if s.sides[0].closed != "removed" || s.sides[1].closed != "deleted by the peer" {
		t.Errorf("closed %q and %q", s.sides[0].closed, s.sides[1].closed)
	}
}

// The secrets of an SA that ended are not kept.
func TestEndWipesSecrets(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), calm)
	s.begin()
	s.run(time.Minute)
	k := s.sides[0].sa.keys
	s.push(0, 0, Close{}, 0)
	s.run(2 * time.Minute)
	for _, secret := range [][]byte{k.skeyid, k.d, k.a, k.e} {
		if !bytes.Equal(secret, make([]byte, len(secret))) {
			t.Error("a secret outlived its SA")
		}
	}
}

// A half-open responder ends by itself and leaves no timer.
func TestHalfOpenEnds(t *testing.T) {
	net := calm
	net.drop = func(from, n int, _ []byte) bool { return from == 0 && n > 1 }
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.RSASignature), net)
	s.begin()
	s.run(time.Hour)
	for i, me := range s.sides {
		if me.failed == nil || me.sa.State() != Gone || !me.alarm.IsZero() {
			t.Errorf("side %d: %v, %v, alarm %v", i, me.failed, me.sa.State(), me.alarm)
		}
		if d := me.endedAt.Sub(s.start); d > DefaultTiming.Deadline+time.Second {
			t.Errorf("side %d took %v", i, d)
		}
	}
}

// No garbage moves an SA in any state, and none makes it panic.
func TestGarbageIsIgnored(t *testing.T) {
	base := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.RSASignature), calm)
	base.begin()
	base.run(time.Minute)
	flow := base.flow
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.RSASignature), calm)
	s.begin()
	for len(s.queue) > 0 && s.now.Sub(s.start) < time.Minute {
		s.run(s.queue[0].at.Sub(s.start))
		for i, me := range s.sides {
			if i == 1 && me.sa.State() == AwaitSA {
				continue // the first message decides: whatever it is
			}
			for _, d := range flow {
				if d.from == i {
					continue
				}
				// Each message of the flow with its end cut off, and
				// with each of some bytes changed.
				cut := append([]byte(nil), d.data[:len(d.data)-1]...)
				s.perform(i, me.sa.Handle(s.now, Datagram{Path: s.translate(d.from, d.path), Data: cut}))
				for at := isakmp.HeaderLen - 12; at < len(d.data); at += 61 {
					bad := append([]byte(nil), d.data...)
					bad[at] ^= 0x55
					if bad[18] == uint8(isakmp.IdentityProtection) && bad[19] == d.data[19] && d.data[19] == 0 {
						continue // a plausible clear message: only keys can tell
					}
					s.perform(i, me.sa.Handle(s.now, Datagram{Path: s.translate(d.from, d.path), Data: bad}))
				}
			}
		}
	}
	if !s.up() {
		t.Errorf("initiator %v (%v), responder %v (%v)", s.sides[0].sa.State(), s.sides[0].failed, s.sides[1].sa.State(), s.sides[1].failed)
	}
}
