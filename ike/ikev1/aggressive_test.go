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

func TestAggressiveModeEstablishes(t *testing.T) {
	for _, tc := range []struct {
		transform string
		auth      suite.AuthMethod
	}{
		{"aes128-sha256-modp2048", suite.RSASignature},
		{"aes256-sha384-ecp521", suite.RSASignature},
		{"aes128-sha1-ecp256", suite.ECDSA256},
		{"aes256-sha256-ecp384", suite.ECDSA384},
		{"aes256-sha512-ecp521", suite.ECDSA521},
		{"3des-md5-modp1024", suite.PresharedKey},
		{"aes192-sha256-ecp384", suite.PresharedKey},
	} {
		t.Run(tc.transform+"/"+tc.auth.String(), func(t *testing.T) {
			s := newSimulation(t, 1, testPair(t, tc.transform, tc.auth).aggressive(), calm)
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
			if got := string(s.sides[0].established.PeerID.Data); got != "r.test" {
				t.Errorf("initiator met %q", got)
			}
			if !s.sides[1].established.InitialContact {
				t.Error("INITIAL-CONTACT was lost")
			}
			if s.sides[0].established.NAT.Found() || s.sides[1].established.NAT.Found() {
				t.Error("a NAT was found where none is")
			}
		})
	}
}

// Every single loss of one datagram is made good, of message 3 too, to which
// there is no answer.
func TestAggressiveModeSurvivesEachLoss(t *testing.T) {
	for _, auth := range []suite.AuthMethod{suite.PresharedKey, suite.RSASignature} {
		for from := range 2 {
			for n := 1; n <= 5; n++ {
				net := calm
				net.drop = func(f, i int, _ []byte) bool { return f == from && i == n }
				s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", auth).aggressive(), net)
				s.begin()
				s.run(time.Minute)
				if !s.up() {
					t.Errorf("datagram %d of side %d lost: initiator %v, responder %v", n, from, s.sides[0].sa.State(), s.sides[1].sa.State())
				}
			}
		}
	}
}

func TestAggressiveModeMovesToPort4500(t *testing.T) {
	for _, tc := range []struct {
		name  string
		nat   bool
		force bool
	}{{"nat", true, false}, {"forced", false, true}} {
		t.Run(tc.name, func(t *testing.T) {
			c := testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive()
			c.initiator.ForceNATT = tc.force
			net := calm
			net.nat = tc.nat
			s := newSimulation(t, 1, c, net)
			s.begin()
			s.run(time.Minute)
			if !s.up() {
				t.Fatalf("not established: %v, %v", s.sides[0].failed, s.sides[1].failed)
			}
			if !s.sides[1].established.NAT.Remote || tc.nat && !s.sides[0].established.NAT.Local {
				t.Errorf("found %+v and %+v", s.sides[0].established.NAT, s.sides[1].established.NAT)
			}
			if s.sides[0].sa.Path().NATT != s.sides[1].sa.Path().NATT || tc.nat && !s.sides[0].sa.Path().NATT {
				t.Errorf("paths %v and %v", s.sides[0].sa.Path(), s.sides[1].sa.Path())
			}
		})
	}
}

func TestAggressiveRefusals(t *testing.T) {
	revoked := errors.New("certificate 0a is revoked")
	const ecp256 = "aes128-sha256-ecp256"
	for _, tc := range []struct {
		name      string
		change    func(*simConfig)
		reject    int // the side that rejects its peer, or -1
		initiator string
		responder string
		auth      suite.AuthMethod
	}{
		{"initiator revoked", nil, 1, "refused: AUTHENTICATION-FAILED|deleted by the peer", "0a is revoked", suite.RSASignature},
		{"responder revoked", nil, 0, "0a is revoked", "AUTHENTICATION-FAILED", suite.RSASignature},
		{"different preshared keys", func(c *simConfig) { c.responder.Policies[0].PSK = []byte("wrong") },
			-1, "preshared keys differ", "preshared keys differ", suite.PresharedKey},
		{"another key for this identity", func(c *simConfig) {
			c.responder.Policies[0].KeyFor = func(id isakmp.Identification) []byte { return append([]byte("of "), id.Data...) }
		}, -1, "preshared keys differ", "preshared keys differ", suite.PresharedKey},
		{"no key for this identity", func(c *simConfig) {
			c.responder.Policies[0].KeyFor = func(isakmp.Identification) []byte { return nil }
		}, -1, "INVALID-ID-INFORMATION", "no policy at this address", suite.PresharedKey},
		{"no common transform", func(c *simConfig) {
			c.responder.Policies[0].Transforms = []suite.Transform{testTransform(t, "aes256-sha256-ecp256", suite.PresharedKey)}
		}, -1, "NO-PROPOSAL-CHOSEN", "no policy here accepts", suite.PresharedKey},
		{"another group", func(c *simConfig) {
			c.responder.Policies[0].Transforms = []suite.Transform{testTransform(t, "aes128-sha256-modp2048", suite.PresharedKey)}
		}, -1, "NO-PROPOSAL-CHOSEN", "no policy here accepts", suite.PresharedKey},
		{"unknown initiator", func(c *simConfig) { c.responder.Policies[0].MatchID = matchFQDN("x.test") },
			-1, "INVALID-ID-INFORMATION", "i.test", suite.RSASignature},
		{"unexpected responder", func(c *simConfig) { c.initiator.Policies[0].MatchID = matchFQDN("x.test") },
			-1, "r.test", "INVALID-ID-INFORMATION", suite.RSASignature},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testPair(t, ecp256, tc.auth).aggressive()
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
				said := me.closed
				if me.failed != nil {
					said = me.failed.Error()
				}
				found := false
				for _, w := range strings.Split(want, "|") {
					found = found || strings.Contains(said, w)
				}
				if !found {
					t.Errorf("side %d ended with %q, want %q", i, said, want)
				}
				// An initiator of aggressive mode is done before the
				// responder has judged it.
				if me.established != nil && (i == 1 || tc.reject != 1) {
					t.Errorf("side %d established", i)
				}
			}
		})
	}
}

// A responder computes no secret, which costs as much again as the key, before
// the initiator has shown that it gets what is sent to it.
func TestNoSecretBeforeMessage3(t *testing.T) {
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), calm)
	s.begin()
	s.until(1, AwaitAuth)
	if s.sides[1].sa.chain != nil || s.sides[1].sa.Proven() {
		t.Error("the responder has computed the secret already")
	}
	s.run(time.Minute)
	if !s.up() || !s.sides[1].sa.Proven() {
		t.Error("not established")
	}
}

// Message 3 may come in clear (RFC 2409, 5): the hash alone decides.
func TestMessage3InClear(t *testing.T) {
	for _, auth := range []suite.AuthMethod{suite.PresharedKey, suite.RSASignature} {
		for _, right := range []bool{true, false} {
			net := calm
			net.drop = func(from, n int, _ []byte) bool { return from == 0 && n > 1 }
			s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", auth).aggressive(), net)
			s.begin()
			s.until(0, StateEstablished)
			i := s.sides[0].sa
			proof := isakmp.Payload(&isakmp.Hash{Data: i.ownHash()})
			if auth == suite.RSASignature {
				signature, err := auth.Sign(nil, s.sides[0].key, i.ownHash())
				if err != nil {
					t.Fatal(err)
				}
				proof = &isakmp.Signature{Data: signature}
			}
			if !right {
				switch p := proof.(type) {
				case *isakmp.Hash:
					p.Data[0] ^= 1
				case *isakmp.Signature:
					p.Data[0] ^= 1
				}
			}
			payloads := append(i.certificates(), proof)
			payloads = append(payloads, i.natDiscovery(i.path)...)
			// Not protected, it must not count.
			payloads = append(payloads, i.notification(isakmp.InitialContact, nil))
			m := isakmp.Message{Header: i.header(isakmp.Aggressive, 0), Payloads: payloads}
			data, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.push(0, 1, Datagram{Path: Path{Local: addrR, Remote: addrI}, Data: data}, 0)
			s.run(30 * time.Second)
			r := s.sides[1]
			if up := r.established != nil; up != right {
				t.Errorf("%v, right %v: responder %v (%v)", auth, right, r.sa.State(), r.failed)
			}
			if right && (r.established.InitialContact || r.established.NAT.Found()) {
				t.Errorf("%v: %+v", auth, r.established)
			}
		}
	}
}

// A forged message 2 does not keep the true one from being heard where a
// preshared key tells the two apart.
func TestForgedMessage2(t *testing.T) {
	var forged []byte
	net := calm
	net.drop = func(from, n int, data []byte) bool {
		if from == 1 && forged == nil {
			forged = bytes.Clone(data)
			return true
		}
		return false
	}
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), net)
	s.begin()
	s.until(1, AwaitAuth)
	forged[len(forged)/2] ^= 1
	copy(forged[8:16], "another ")
	s.push(0, 0, Datagram{Path: Path{Local: addrI, Remote: addrR}, Data: forged}, 0)
	s.run(time.Minute)
	if !s.up() {
		t.Errorf("initiator %v (%v), responder %v (%v)", s.sides[0].sa.State(), s.sides[0].failed, s.sides[1].sa.State(), s.sides[1].failed)
	}
}

// What message 1 offers is of one group, that of its public value (RFC 2409, 5).
func TestAggressiveModeHasOneGroup(t *testing.T) {
	c := testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive()
	other := testTransform(t, "aes128-sha256-modp2048", suite.PresharedKey)
	c.initiator.Cookie, c.responder.Cookie = isakmp.Cookie{1}, isakmp.Cookie{2}
	p := c.initiator.Policies[0]
	p.Transforms = append(p.Transforms, other)
	if _, err := New(c.initiator); err == nil || !strings.Contains(err.Error(), "group") {
		t.Errorf("an initiator offers several groups: %v", err)
	}
	if err := oneGroup(newOffer(p.Transforms), suite.ECP256); err == nil {
		t.Error("a responder takes several groups")
	}
	c.responder.Policies[0].Transforms = append([]suite.Transform{other}, c.responder.Policies[0].Transforms...)
	p.Transforms = p.Transforms[:1]
	s := newSimulation(t, 1, c, calm)
	s.begin()
	s.run(time.Minute)
	if !s.up() {
		t.Error("a responder that knows the group, and another, does not answer")
	}
}

// A message of another exchange gets nothing out of a responder.
func TestModesDoNotMix(t *testing.T) {
	for _, aggressive := range []bool{true, false} {
		c := testPair(t, "aes128-sha256-ecp256", suite.PresharedKey)
		if aggressive {
			c.initiator.Mode = isakmp.Aggressive
		} else {
			c.responder.Mode = isakmp.Aggressive
		}
		s := newSimulation(t, 1, c, calm)
		s.begin()
		s.run(2 * time.Minute)
		if s.sides[1].sent != 0 || s.sides[1].sa.State() != AwaitSA {
			t.Errorf("the responder answers: %v", s.sides[1].sa.State())
		}
	}
}

// Who is done first may go on to phase 2 at once: what it says is held until the
// peer is done, too, and not lost.
func TestQuickModeOnTheHeels(t *testing.T) {
	for name, c := range map[string]simConfig{
		"aggressive psk":   testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(),
		"aggressive ecdsa": testPair(t, "aes128-sha256-ecp256", suite.ECDSA256).aggressive(),
		"main ecdsa":       testPair(t, "aes128-sha256-ecp256", suite.ECDSA256),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(t, 1, c, calm)
			for _, side := range s.sides {
				side.verifyDelay = 300 * time.Millisecond
			}
			for i := range s.sides {
				s.sides[i].offer(childPolicy(i, 1, onePolicy(t)))
			}
			s.begin()
			first := 0 // the side that is done first
			if s.sides[1].sa.sendsLast() {
				first = 1
			}
			s.until(first, StateEstablished)
			began := s.now
			s.perform(first, s.handle(first, Negotiate{Policy: childPolicy(first, 1, onePolicy(t)), SPI: s.nextSPI(first)}))
			for len(s.sides[0].phase2.up)+len(s.sides[1].phase2.up) < 2 && len(s.queue) > 0 {
				s.run(s.queue[0].at.Sub(s.start))
			}
			both := s.onlyUp(t)
			agree(t, both[0], both[1])
			if took := s.now.Sub(began); took >= DefaultTiming.Retransmit {
				t.Errorf("phase 2 took %v: a message was lost", took)
			}
		})
	}
}

// What is held is bounded, and nothing of it outlives the SA.
func TestHeldMessagesAreBounded(t *testing.T) {
	net := calm
	s := newSimulation(t, 1, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(), net)
	s.begin()
	s.until(1, AwaitAuth)
	s.until(1, ComputingSecret)
	h := s.sides[0].sa.header(isakmp.QuickMode, 7)
	h.Flags, h.Next, h.Length = isakmp.FlagEncryption, isakmp.PayloadHash, isakmp.HeaderLen+32
	for i := range 3 * maxHeld {
		h.MessageID = uint32(i + 1)
		s.perform(1, s.handle(1, Datagram{Path: Path{Local: addrR, Remote: addrI}, Data: append(h.AppendTo(nil), make([]byte, 32)...)}))
	}
	if n := len(s.sides[1].sa.held); n != maxHeld {
		t.Errorf("%d messages are held", n)
	}
	s.run(time.Minute)
	if !s.up() || len(s.sides[1].sa.held) != 0 {
		t.Errorf("responder %v holds %d", s.sides[1].sa.State(), len(s.sides[1].sa.held))
	}
}
