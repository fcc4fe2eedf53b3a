package ikev1

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// onePolicy is a policy that both sides of a test have.
func onePolicy(t testing.TB, groups ...suite.Group) ChildPolicy {
	return ChildPolicy{Groups: groups, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256", "aes256gcm16")}}}
}

// negotiated is a simulation in which one quick mode has run, begun by the
// initiator of phase 1.
func negotiated(t testing.TB, groups ...suite.Group) *simulation {
	t.Helper()
	s := establishedPair(t, 3, calm)
	s.flow = nil
	s.sides[1].offer(childPolicy(1, 1, onePolicy(t, groups...)))
	s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, onePolicy(t, groups...)), SPI: s.nextSPI(0)}, 0)
	s.run(s.now.Sub(s.start) + 2*time.Second)
	if len(s.sides[0].phase2.up) != 1 || len(s.sides[1].phase2.up) != 1 {
		t.Fatal("the quick mode did not come to its end")
	}
	return s
}

// Whatever of a quick mode is sent again, to its receiver or back to its sender,
// then or long after, has no effect but that of a repetition.
func TestQuickModeReplay(t *testing.T) {
	s := negotiated(t, suite.ECP256)
	flow := s.flow
	if len(flow) != 3 {
		t.Fatalf("%d messages", len(flow))
	}
	for _, after := range []time.Duration{0, 2 * time.Minute} {
		s.run(s.now.Sub(s.start) + after)
		if after == 0 {
			s.now = s.now.Add(time.Second)
		} else {
			s.now = s.now.Add(after)
		}
		for _, m := range flow {
			for to, side := range s.sides {
				for _, e := range side.sa.Handle(s.now, Datagram{Path: s.translate(1-to, m.path), Data: m.data}) {
					switch e := e.(type) {
					case Trace, SetTimer:
					case Send:
						if after != 0 {
							t.Errorf("side %d answers a message of an exchange that is long over with %d bytes", to, len(e.Data))
						}
					default:
						t.Errorf("side %d: %T", to, e)
					}
				}
			}
		}
	}
}

// A quick mode in which any bit is changed on its way comes to its end by
// repetition, or not at all, and never differently at both ends.
func TestQuickModeDamaged(t *testing.T) {
	reference := negotiated(t).flow
	for number, m := range reference {
		for at := isakmp.HeaderLen - 8; at < len(m.data); at += 5 {
			s := establishedPair(t, 3, calm)
			base := s.sides[m.from].sent
			nth := 1
			for _, before := range reference[:number] {
				if before.from == m.from {
					nth++
				}
			}
			s.net.damage = func(from, n int, data []byte) []byte {
				if from != m.from || n != base+nth {
					return data
				}
				damaged := append([]byte(nil), data...)
				damaged[at] ^= 0x10
				return damaged
			}
			s.sides[1].offer(childPolicy(1, 1, onePolicy(t)))
			s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, onePolicy(t)), SPI: s.nextSPI(0)}, 0)
			s.run(s.now.Sub(s.start) + 10*time.Second)
			for spi, sa := range s.sides[0].phase2.up {
				peer := s.sides[1].phase2.up[sa.Pairs[0].Out.SPI]
				if peer == nil {
					t.Fatalf("byte %d of message %d: %x is up at one end", at, number+1, spi)
				}
				agree(t, sa, peer)
			}
			if len(s.sides[0].phase2.up) != 1 {
				t.Errorf("byte %d of message %d: not up in spite of repetition", at, number+1)
			}
		}
	}
}

// craft makes a message of quick mode that the peer of an SA accepts as authentic:
// a hash over what follows it, whatever that is.
func craft(sa *SA, id uint32, iv []byte, first isakmp.PayloadType, body []byte, covered ...[]byte) []byte {
	parts := append([][]byte{binary.BigEndian.AppendUint32(nil, id)}, covered...)
	hash := sa.keys.hash.MAC(sa.keys.a, append(parts, body)...)
	plain := append([]byte{byte(first), 0, 0, byte(4 + len(hash))}, hash...)
	plain = append(plain, body...)
	size := sa.chain.block.BlockSize()
	for len(plain)%size != 0 {
		plain = append(plain, 0)
	}
	h := sa.header(isakmp.QuickMode, id)
	h.Next, h.Flags, h.Length = isakmp.PayloadHash, isakmp.FlagEncryption, uint32(isakmp.HeaderLen+len(plain))
	message := h.AppendTo(nil)
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(sa.chain.block, iv).CryptBlocks(out, plain)
	return append(message, out...)
}

// payloadsOf marshals payloads for craft.
func payloadsOf(t testing.TB, ps ...isakmp.Payload) (isakmp.PayloadType, []byte) {
	t.Helper()
	first, body, err := isakmp.MarshalPayloads(ps)
	if err != nil {
		t.Fatal(err)
	}
	return first, body
}

// offerOf is the SA payload of an initiator.
func offerOf(t testing.TB, change func(*isakmp.SA)) *isakmp.SA {
	p := onePolicy(t)
	sa := newChildOffer(&p, 0x12345678, false)
	if change != nil {
		change(sa)
	}
	return sa
}

// What an authenticated peer may say in message 1 that it must not.
func TestQuickModeHostileOffer(t *testing.T) {
	nonce := &isakmp.Nonce{Data: make([]byte, 16)}
	ci, cr := subnet("10.1.1.0/24"), subnet("10.2.1.0/24")
	ids := []isakmp.Payload{&ci, &cr}
	with := func(sa *isakmp.SA, more ...isakmp.Payload) []isakmp.Payload {
		return append([]isakmp.Payload{sa, nonce}, append(ids, more...)...)
	}
	for name, c := range map[string]struct {
		payloads []isakmp.Payload
		want     string // the responder's error; empty where it is accepted
	}{
		"good":                   {with(offerOf(t, nil)), ""},
		"no SA":                  {append([]isakmp.Payload{nonce}, ids...), "not exactly one SA payload"},
		"SA last":                {append([]isakmp.Payload{nonce}, append(ids, isakmp.Payload(offerOf(t, nil)))...), "not right behind the hash"},
		"two SAs":                {with(offerOf(t, nil), offerOf(t, nil)), "not exactly one SA payload"},
		"no nonce":               {append([]isakmp.Payload{offerOf(t, nil)}, ids...), "not exactly one nonce"},
		"two nonces":             {with(offerOf(t, nil), nonce), "not exactly one nonce"},
		"two public values":      {with(offerOf(t, nil), &isakmp.KeyExchange{Data: make([]byte, 64)}, &isakmp.KeyExchange{Data: make([]byte, 64)}), "more than one public value"},
		"public value, no group": {with(offerOf(t, nil), &isakmp.KeyExchange{Data: make([]byte, 64)}), "nothing of it is accepted here"},
		"one identity":           {[]isakmp.Payload{offerOf(t, nil), nonce, &ci}, "1 identities, want both"},
		"three identities":       {with(offerOf(t, nil), &ci), "3 identities, want both"},
		"reserved SPI":           {with(offerOf(t, func(sa *isakmp.SA) { sa.Proposals[0].SPI = []byte{0, 0, 0, 255} })), "the peer offered no protection that is known here"},
		"long SPI":               {with(offerOf(t, func(sa *isakmp.SA) { sa.Proposals[0].SPI = make([]byte, 8) })), "the peer offered no protection that is known here"},
		"phase 1":                {with(offerOf(t, func(sa *isakmp.SA) { sa.Proposals[0].Protocol = isakmp.ProtocolISAKMP })), "the peer offered no protection that is known here"},
		"ESP and IPComp": {with(offerOf(t, func(sa *isakmp.SA) {
			sa.Proposals = append(sa.Proposals, isakmp.Proposal{Number: 1, Protocol: isakmp.ProtocolIPComp, SPI: make([]byte, 4), Transforms: []isakmp.Transform{{Number: 1, ID: 2}}})
		})), "the peer offered no protection that is known here"},
		"ESP twice": {with(offerOf(t, func(sa *isakmp.SA) { sa.Proposals = append(sa.Proposals, sa.Proposals[0]) })), "nothing of it is accepted here"},
		"a UDP that there is no need for": {with(offerOf(t, func(sa *isakmp.SA) {
			for i := range sa.Proposals[0].Transforms {
				for j, a := range sa.Proposals[0].Transforms[i].Attributes {
					if a.Type == isakmp.AttrIPsecEncapsulation {
						sa.Proposals[0].Transforms[i].Attributes[j] = isakmp.AttrShort(a.Type, 3)
					}
				}
			}
		})), "tunnel in UDP, and nothing of it is accepted here"},
	} {
		s := establishedPair(t, 3, calm)
		s.sides[1].offer(childPolicy(1, 1, onePolicy(t)))
		initiator := s.sides[0].sa
		first, body := payloadsOf(t, c.payloads...)
		const id = 77
		m := craft(initiator, id, initiator.chain.informationalIV(initiator.chain.last, id), first, body)
		s.push(0, 1, Datagram{Path: s.translate(0, initiator.path), Data: m}, 0)
		s.run(s.now.Sub(s.start) + time.Second)
		got := s.sides[1].phase2
		if c.want == "" {
			if len(got.ready) != 1 || len(got.failed) != 0 {
				t.Errorf("%s: %v", name, got.failed)
			}
			continue
		}
		found := false
		for _, err := range got.failed {
			found = found || strings.Contains(err.Error(), c.want)
		}
		if !found || len(got.ready)+len(got.up) != 0 {
			t.Errorf("%s: %v, %d ready, want %q", name, got.failed, len(got.ready), c.want)
		}
	}
}

// What an authenticated responder may choose that it must not.
func TestQuickModeHostileChoice(t *testing.T) {
	policy := onePolicy(t)
	nonce := &isakmp.Nonce{Data: make([]byte, 16)}
	attr := func(sa *isakmp.SA, typ, value uint16) {
		as := sa.Proposals[0].Transforms[0].Attributes
		for i, a := range as {
			if a.Type == typ {
				as[i] = isakmp.AttrShort(typ, value)
				return
			}
		}
		as = append(as, isakmp.AttrShort(typ, value))
		sa.Proposals[0].Transforms[0].Attributes = as
	}
	for name, c := range map[string]struct {
		change func(*isakmp.SA)
		ids    func(ci, cr isakmp.Identification) []isakmp.Payload
		more   isakmp.Payload
		want   string
	}{
		"good":               {want: ""},
		"shorter lifetime":   {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecLifeDuration, 600) }},
		"longer lifetime":    {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecLifeDuration, 60000) }, want: "longer than was offered"},
		"both transforms":    {change: func(sa *isakmp.SA) { sa.Proposals[0].Transforms = offerOf(t, nil).Proposals[0].Transforms }, want: "more than one"},
		"another proposal":   {change: func(sa *isakmp.SA) { sa.Proposals[0].Number = 2 }, want: "offered were 0"},
		"another protocol":   {change: func(sa *isakmp.SA) { sa.Proposals[0].Protocol = isakmp.ProtocolAH }, want: "left out ESP"},
		"one protocol more":  {change: func(sa *isakmp.SA) { sa.Proposals = append(sa.Proposals, sa.Proposals[0]) }, want: "chose 2 protocols of proposal 1"},
		"another key length": {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecKeyLength, 256) }, want: "which was not offered"},
		"a weaker hash":      {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecAuth, 1) }, want: "which was not offered"},
		"transport":          {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecEncapsulation, 2) }, want: "which was not offered"},
		"a group":            {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecGroup, 19) }, want: "which was not offered"},
		"long numbers":       {change: func(sa *isakmp.SA) { attr(sa, isakmp.AttrIPsecESN, 1) }, want: "which was not offered"},
		"no cipher":          {change: func(sa *isakmp.SA) { sa.Proposals[0].Transforms[0].ID = 11 }, want: "the peer's choice"},
		"reserved SPI":       {change: func(sa *isakmp.SA) { sa.Proposals[0].SPI = make([]byte, 4) }, want: "is not one of ESP"},
		"no identities":      {ids: func(_, _ isakmp.Identification) []isakmp.Payload { return nil }, want: "changed the identities"},
		"other traffic": {ids: func(ci, _ isakmp.Identification) []isakmp.Payload {
			all := subnet("0.0.0.0/0")
			return []isakmp.Payload{&ci, &all}
		}, want: "changed the identities"},
		"a public value": {more: &isakmp.KeyExchange{Data: make([]byte, 64)}, want: "the peer's public value has 64 bytes"},
	} {
		s := establishedPair(t, 3, conditions{drop: func(int, int, []byte) bool { return true }})
		own := childPolicy(0, 1, policy)
		s.push(0, 0, Negotiate{Policy: own, SPI: s.nextSPI(0)}, 0)
		s.run(s.now.Sub(s.start) + 100*time.Millisecond)
		q := s.sides[0].sa.quick.live[0]
		answer := offerOf(t, nil)
		answer.Proposals[0].Transforms = answer.Proposals[0].Transforms[:1]
		if c.change != nil {
			c.change(answer)
		}
		ids := []isakmp.Payload{&own.Local, &own.Remote}
		if c.ids != nil {
			ids = c.ids(own.Local, own.Remote)
		}
		payloads := append([]isakmp.Payload{answer, nonce}, ids...)
		if c.more != nil {
			payloads = append(payloads, c.more)
		}
		first, body := payloadsOf(t, payloads...)
		responder := s.sides[1].sa
		s.push(0, 0, Datagram{Path: s.translate(1, responder.path), Data: craft(responder, q.id, q.iv, first, body, q.nonces.nonceI)}, 0)
		s.run(s.now.Sub(s.start) + 200*time.Millisecond)
		got := s.sides[0].phase2
		if c.want == "" {
			if len(got.up) != 1 {
				t.Errorf("%s: %v", name, got.failed)
			}
			continue
		}
		found := false
		for _, err := range got.failed {
			found = found || strings.Contains(err.Error(), c.want)
		}
		if !found || len(got.up) != 0 {
			t.Errorf("%s: %v, %d up, want %q", name, got.failed, len(got.up), c.want)
		}
	}
}

// A peer cannot have more than so many quick modes under way, nor under one SA.
func TestQuickModeBounds(t *testing.T) {
	s := establishedPair(t, 3, conditions{drop: func(int, int, []byte) bool { return true }})
	s.sides[1].offer(childPolicy(1, 1, onePolicy(t)))
	initiator, responder := s.sides[0].sa, s.sides[1].sa
	ci, cr := subnet("10.1.1.0/24"), subnet("10.2.1.0/24")
	first, body := payloadsOf(t, offerOf(t, nil), &isakmp.Nonce{Data: make([]byte, 16)}, &ci, &cr)
	begin := func(id uint32) {
		m := craft(initiator, id, initiator.chain.informationalIV(initiator.chain.last, id), first, body)
		s.perform(1, responder.Handle(s.now, Datagram{Path: s.translate(0, initiator.path), Data: m}))
	}
	for id := range uint32(maxQuickModes + 5) {
		begin(id + 1)
	}
	if n := len(responder.quick.live); n != maxQuickModes {
		t.Errorf("%d quick modes at once, want %d", n, maxQuickModes)
	}
	s.run(s.now.Sub(s.start) + 5*time.Minute)
	if n := len(responder.quick.live); n != 0 {
		t.Errorf("%d quick modes are left", n)
	}
	for id := uint32(len(responder.quick.used)); id < maxExchanges; id++ {
		responder.quick.used[1<<20+id] = struct{}{}
	}
	begin(1 << 30)
	if responder.State() != StateClosed || !strings.Contains(s.sides[1].closed, "enough for one phase 1") {
		t.Errorf("the SA is %v after %d exchanges: %s", responder.State(), maxExchanges, s.sides[1].closed)
	}
}

// A DELETE of thousands of SAs costs no more than one of some.
func TestDeleteBounds(t *testing.T) {
	s := establishedPair(t, 3, calm)
	initiator, responder := s.sides[0].sa, s.sides[1].sa
	d := &isakmp.Delete{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolESP}
	for n := range uint32(10 * maxDeletes) {
		d.SPIs = append(d.SPIs, spiBytes(0x1000+n))
	}
	data, err := initiator.sealInformational(d)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, e := range responder.Handle(s.now, Datagram{Path: s.translate(0, initiator.path), Data: data}) {
		if _, ok := e.(Send); ok {
			sent++
		}
	}
	if sent != maxDeletes {
		t.Errorf("%d answers, want %d", sent, maxDeletes)
	}
}

// What is under way ends with its phase 1, and says so.
func TestQuickModeEndsWithPhase1(t *testing.T) {
	s := establishedPair(t, 3, conditions{drop: func(int, int, []byte) bool { return true }})
	s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, onePolicy(t)), SPI: 0x1001}, 0)
	s.push(time.Second, 0, Close{Reason: "enough"}, 0)
	s.push(2*time.Second, 0, Negotiate{Policy: childPolicy(0, 1, onePolicy(t)), SPI: 0x1002}, 0)
	s.run(s.now.Sub(s.start) + 5*time.Second)
	for _, spi := range []uint32{0x1001, 0x1002} {
		if err := s.sides[0].phase2.failed[spi]; !errors.Is(err, ErrPhase1Ended) {
			t.Errorf("%x: %v", spi, err)
		}
	}
}

// A Secret prints as a placeholder, wherever it stands.
func TestSecretPrintsNothing(t *testing.T) {
	key := newSecret([]byte("0123456789abcdef"))
	type inside struct{ hidden OneWay }
	for _, text := range []string{
		fmt.Sprint(key), fmt.Sprintf("%x %q %v %+v %#v %d", key, key, key, key, key, key),
		fmt.Sprintf("%+v %#v %x", OneWay{Encryption: key}, OneWay{Encryption: key}, OneWay{Encryption: key}),
		fmt.Sprintf("%+v %#v %x", inside{OneWay{Encryption: key}}, inside{OneWay{Encryption: key}}, inside{OneWay{Encryption: key}}),
		key.LogValue().String(),
	} {
		if strings.Contains(text, "0123456789") || strings.Contains(text, "30313233") || strings.Contains(text, "48 49 50") {
			t.Errorf("the key is in %q", text)
		}
	}
	key.Wipe()
	if key.Equal(newSecret([]byte("0123456789abcdef"))) {
		t.Error("a wiped key is what it was")
	}
}

// FuzzQuickMode has an authenticated peer say anything in message 1 and 2 of quick
// mode, and anybody anything at all.
func FuzzQuickMode(f *testing.F) {
	ci, cr := subnet("10.1.1.0/24"), subnet("10.2.1.0/24")
	for _, ps := range [][]isakmp.Payload{
		{offerOf(f, nil), &isakmp.Nonce{Data: make([]byte, 16)}, &ci, &cr},
		{offerOf(f, nil), &isakmp.Nonce{Data: make([]byte, 16)}, &isakmp.KeyExchange{Data: make([]byte, 64)}},
		{offerOf(f, nil), &isakmp.Nonce{Data: make([]byte, 16)}, &isakmp.Notification{DOI: 1, Protocol: isakmp.ProtocolESP, NotifyType: isakmp.ResponderLifetime, SPI: make([]byte, 4), Data: []byte{0x80, 1, 0, 1, 0x80, 2, 0, 60}}},
		{&isakmp.Notification{DOI: 1, Protocol: isakmp.ProtocolESP, NotifyType: isakmp.Connected, SPI: make([]byte, 4)}},
		{&isakmp.Delete{DOI: 1, Protocol: isakmp.ProtocolESP, SPIs: [][]byte{make([]byte, 4)}}},
	} {
		first, body := payloadsOf(f, ps...)
		f.Add(byte(first), body)
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte) {
		if len(body) > isakmp.MaxMessage/2 {
			return
		}
		s := establishedPair(t, 3, conditions{drop: func(int, int, []byte) bool { return true }})
		s.sides[1].offer(childPolicy(1, 1, onePolicy(t)))
		initiator, responder := s.sides[0].sa, s.sides[1].sa
		s.push(0, 0, Negotiate{Policy: childPolicy(0, 1, onePolicy(t, suite.ECP256)), SPI: s.nextSPI(0)}, 0)
		s.run(s.now.Sub(s.start) + time.Second)
		q := initiator.quick.live[0]
		const id = 77
		s.push(0, 1, Datagram{Path: s.translate(0, initiator.path), Data: craft(initiator, id, initiator.chain.informationalIV(initiator.chain.last, id), isakmp.PayloadType(first), body)}, 0)
		s.push(0, 0, Datagram{Path: s.translate(1, responder.path), Data: craft(responder, q.id, q.iv, isakmp.PayloadType(first), body, q.nonces.nonceI)}, 0)
		raw := craft(responder, id, q.iv, isakmp.PayloadType(first), body)
		s.push(0, 0, Datagram{Path: s.translate(1, responder.path), Data: append(raw[:isakmp.HeaderLen:isakmp.HeaderLen], body...)}, 0)
		s.run(s.now.Sub(s.start) + 5*time.Minute)
		if len(s.sides[1].phase2.up) != 0 {
			t.Error("an SA is up at the responder, and nobody sent message 3")
		}
		for i, side := range s.sides {
			if side.sa.State() == StateEstablished && len(side.sa.quick.live) != 0 {
				t.Errorf("side %d keeps %d exchanges", i, len(side.sa.quick.live))
			}
		}
	})
}
