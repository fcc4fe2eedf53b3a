package ikev1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// childBench drives a Child by hand.
type childBench struct {
	t     *testing.T
	child *Child
	now   time.Time
	began time.Time
	alarm time.Time
	said  []string // the effects, in words
}

func newChildBench(t *testing.T, cfg ChildConfig) *childBench {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &childBench{t: t, child: NewChild(cfg), now: now, began: now}
}

// sa makes an SA with an SPI of ours; the peer's is 0x100 above it.
func (b *childBench) sa(spi uint32, role Role, began time.Time) *ChildSA {
	return &ChildSA{
		Role: role, Began: began, Lifetime: time.Hour, LifeKB: 1000,
		Pairs: []Pair{{Algorithms: suite.IPsec{Protocol: isakmp.ProtocolESP, Cipher: suite.ESPNull, Integrity: suite.HMACSHA256},
			In: OneWay{SPI: spi}, Out: OneWay{SPI: spi + 0x100}}},
	}
}

// handle feeds an event and returns the effects in words.
func (b *childBench) handle(ev ChildEvent) string {
	b.said = nil
	for _, e := range b.child.Handle(b.now, ev) {
		switch e := e.(type) {
		case SetTimer:
			b.alarm = e.At
		case ChildNegotiate:
			b.said = append(b.said, "negotiate")
		case ChildInstall:
			b.said = append(b.said, fmt.Sprintf("install %x", e.SA.SPI()))
		case ChildUse:
			b.said = append(b.said, fmt.Sprintf("use %x", e.SA.SPI()))
		case ChildUninstall:
			b.said = append(b.said, fmt.Sprintf("remove %x", e.SA.SPI()))
		case ChildFarewell:
			b.said = append(b.said, fmt.Sprintf("delete %x", e.SPIs[0].SPI))
		case ChildReport:
			b.said = append(b.said, map[bool]string{true: "first", false: "next"}[e.First])
		case ChildEnded:
			b.said = append(b.said, "ended: "+e.Err.Error())
		}
	}
	return strings.Join(b.said, ", ")
}

// want feeds an event and compares.
func (b *childBench) want(ev ChildEvent, want string) {
	b.t.Helper()
	if got := b.handle(ev); got != want {
		b.t.Errorf("%T: %s\nwant %s", ev, got, want)
	}
}

// wake lets time pass to the next alarm.
func (b *childBench) wake(want string) {
	b.t.Helper()
	if b.alarm.IsZero() {
		b.t.Fatal("no alarm is set")
	}
	b.now = b.alarm
	b.want(Timer{}, want)
}

func TestChildRekeys(t *testing.T) {
	b := newChildBench(t, ChildConfig{MayNegotiate: true, Overlap: 20})
	b.want(ChildActivate{}, "negotiate")
	b.want(ChildActivate{}, "")
	b.want(ChildUp{b.sa(0x1001, Initiator, b.now)}, "install 1001, use 1001, first")
	if left := b.began.Add(time.Hour).Sub(b.alarm); left < 9*time.Minute || left > 12*time.Minute {
		t.Errorf("it is replaced %v before its end", left)
	}
	b.wake("negotiate")
	// It fails at first.
	b.want(ChildFailed{Role: Initiator, Err: errors.New("no answer")}, "")
	if b.child.State() != ChildActive || b.child.Err() == nil || b.alarm != b.now.Add(retryAfter) {
		t.Errorf("%v, %v, alarm in %v", b.child.State(), b.child.Err(), b.alarm.Sub(b.now))
	}
	b.wake("negotiate")
	b.want(ChildReady{b.sa(0x1002, Initiator, b.now)}, "install 1002")
	b.want(ChildUp{b.child.find(0x1002).sa}, "use 1002, next")
	b.wake("delete 1001, remove 1001")
	// Nothing answers any more: it ends at its end, not before.
	b.wake("negotiate")
	b.wake("delete 1002, remove 1002, ended: its lifetime is over, and no newer SA took its place")
	if b.child.State() != ChildWaiting {
		t.Errorf("%v while a negotiation is under way", b.child.State())
	}
	b.want(ChildFailed{Role: Initiator, Err: errors.New("no answer")}, "ended: no answer")
	if b.child.State() != ChildIdle || !b.alarm.IsZero() {
		t.Errorf("%v, alarm %v", b.child.State(), b.alarm)
	}
}

// The use goes back to what is left.
func TestChildDeleted(t *testing.T) {
	b := newChildBench(t, ChildConfig{})
	b.handle(ChildUp{b.sa(0x1001, Responder, b.now)})
	b.now = b.now.Add(time.Minute)
	b.handle(ChildUp{b.sa(0x1002, Responder, b.now)})
	b.want(ChildDeleted{ChildSPI{isakmp.ProtocolAH, 0x1102}}, "")
	b.want(ChildDeleted{ChildSPI{isakmp.ProtocolESP, 0x1002}}, "") // ours, not the peer's
	b.want(ChildDeleted{ChildSPI{isakmp.ProtocolESP, 0x1102}}, "remove 1002, use 1001")
	b.want(ChildDeleted{ChildSPI{isakmp.ProtocolESP, 0x1101}}, "remove 1001, ended: deleted by the peer")
}

// Both ends replace an SA at once: both keep the same of the two new ones.
func TestChildCollision(t *testing.T) {
	for name, theirs := range map[string]uint32{"ours stays": 0x500, "theirs stays": 0x9000} {
		b := newChildBench(t, ChildConfig{MayNegotiate: true})
		b.handle(ChildUp{b.sa(0x1001, Initiator, b.now)})
		b.wake("negotiate")
		began := b.now
		b.now = b.now.Add(time.Second)
		b.want(ChildReady{b.sa(theirs, Responder, began)}, fmt.Sprintf("install %x", theirs))
		b.want(ChildUp{b.sa(0x2001, Initiator, began)}, "install 2001, use 2001, next")
		switch name {
		case "ours stays":
			b.want(ChildUp{b.child.find(theirs).sa}, "next")
			b.wake("delete 1001, remove 1001")
			b.want(ChildDeleted{ChildSPI{isakmp.ProtocolESP, theirs + 0x100}}, fmt.Sprintf("remove %x", theirs))
		default:
			b.want(ChildUp{b.child.find(theirs).sa}, fmt.Sprintf("use %x, next", theirs))
			b.wake("delete 1001, remove 1001, delete 2001, remove 2001")
		}
		if n := len(b.child.SAs()); n != 1 {
			t.Errorf("%s: %d SAs are left", name, n)
		}
	}
}

func TestChildBounds(t *testing.T) {
	b := newChildBench(t, ChildConfig{TunnelLifetime: 2 * time.Hour})
	for n := range uint32(20) {
		b.now = b.now.Add(time.Second)
		b.handle(ChildUp{b.sa(0x1001+n, Responder, b.now)})
		if len(b.child.pairs) > maxPairs {
			t.Fatalf("%d SAs", len(b.child.pairs))
		}
	}
	if len(b.child.pairs) != maxPairs {
		t.Errorf("%d SAs, want %d", len(b.child.pairs), maxPairs)
	}
	for _, c := range []struct {
		policy ChildPolicy
		want   string
	}{
		{ChildPolicy{}, "0 proposals"},
		{ChildPolicy{Proposals: make([]ChildProposal, maxChildProposals+1)}, "33 proposals"},
		{ChildPolicy{Proposals: []ChildProposal{{ESP: make([]suite.IPsecOffer, maxChildTransforms+1)}}}, "33 transforms of ESP"},
		{ChildPolicy{Proposals: []ChildProposal{{}}}, "without transforms"},
		{ChildPolicy{Groups: []suite.Group{24}, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}}, "group 24"},
		{ChildPolicy{Proposals: []ChildProposal{{ESP: ah(t, "sha256")}}}, "a transform of AH among those of ESP"},
		{ChildPolicy{Local: isakmp.Identification{Protocol: 6}, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}}, "protocol 6 here and 0"},
	} {
		if err := c.policy.validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestChildSizes(t *testing.T) {
	b := newChildBench(t, ChildConfig{MayNegotiate: true, Overlap: 10, TunnelKB: 2500, TunnelLifetime: 3 * time.Hour})
	b.handle(ChildUp{b.sa(0x1001, Initiator, b.now)})
	b.want(ChildCounted{0x1001, 899 << 10}, "")
	b.want(ChildCounted{0x1001, 900 << 10}, "negotiate")
	b.want(ChildCounted{0x1001, 950 << 10}, "")
	b.want(ChildCounted{0x1001, 1000 << 10}, "delete 1001, remove 1001, ended: its life size is used up, and no newer SA took its place")
	b.want(ChildUp{b.sa(0x1002, Initiator, b.now)}, "install 1002, use 1002, first")
	// RESPONDER-LIFETIME may make it shorter, never longer.
	b.want(ChildLife{SPI: 0x1002, Lifetime: 2 * time.Hour, LifeKB: 5000}, "")
	b.want(ChildLife{SPI: 0x1002, Lifetime: 10 * time.Minute, LifeKB: 500}, "")
	if sa := b.child.SAs()[0]; sa.SA.Lifetime != 10*time.Minute || sa.SA.LifeKB != 500 || !sa.Expires.Equal(b.now.Add(10*time.Minute)) {
		t.Errorf("%+v", sa)
	}
	b.want(ChildRemove{Reason: "enough"}, "delete 1002, remove 1002, ended: enough")
	b.want(ChildRemove{Reason: "enough"}, "ended: enough")
}
