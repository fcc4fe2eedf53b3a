package ikev1

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// phase2Side is what one end of a simulation has of phase 2. The fields are as
// the effects say; nothing is interpreted.
type phase2Side struct {
	// terms answers what the peer asks; nil refuses everything.
	terms   func(ChildOffered) []*ChildPolicy
	spi     uint32
	ready   map[uint32]*ChildSA // by our SPI
	up      map[uint32]*ChildSA
	failed  map[uint32]error
	deleted []ChildSPI
	lives   []ChildLife

	tunnels *simTunnels // where they live; then nothing of the above is used
}

// performPhase2 carries out an effect of phase 2.
func (s *simulation) performPhase2(i int, e Effect) {
	me := &s.sides[i].phase2
	if me.tunnels != nil {
		me.tunnels.perform(e)
		return
	}
	if me.up == nil {
		me.ready, me.up, me.failed = map[uint32]*ChildSA{}, map[uint32]*ChildSA{}, map[uint32]error{}
	}
	switch e := e.(type) {
	case ChildOffered:
		var policies []*ChildPolicy
		if me.terms != nil {
			policies = me.terms(e)
		}
		s.push(s.work(), i, Terms{Exchange: e.Exchange, Policies: policies, SPI: s.nextSPI(i)}, 0)
	case ChildReady:
		if me.ready[e.SA.SPI()] != nil {
			s.t.Errorf("%x is ready twice", e.SA.SPI())
		}
		me.ready[e.SA.SPI()] = e.SA
	case ChildUp:
		if me.up[e.SA.SPI()] != nil {
			s.t.Errorf("%x is up twice", e.SA.SPI())
		}
		me.up[e.SA.SPI()] = e.SA
	case ChildFailed:
		if me.up[e.SPI] != nil {
			s.t.Errorf("%x failed after it was up", e.SPI)
		}
		me.failed[e.SPI] = e.Err
	case ChildDeleted:
		me.deleted = append(me.deleted, e.SPI)
	case ChildLife:
		me.lives = append(me.lives, e)
	}
}

// nextSPI gives a side an SPI that it has not had.
func (s *simulation) nextSPI(i int) uint32 {
	me := &s.sides[i].phase2
	if me.spi == 0 {
		me.spi = uint32(0x1000 * (i + 1))
	}
	me.spi++
	return me.spi
}

// esp and ah read transforms for tunnel mode.
func esp(t testing.TB, words ...string) []suite.IPsecOffer {
	return offers(t, suite.ParseESP, words)
}

func ah(t testing.TB, words ...string) []suite.IPsecOffer {
	return offers(t, suite.ParseAH, words)
}

func offers(t testing.TB, parse func(string) (suite.IPsec, error), words []string) []suite.IPsecOffer {
	t.Helper()
	var all []suite.IPsecOffer
	for _, w := range words {
		algorithms, err := parse(w)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, suite.IPsecOffer{IPsec: algorithms, Encapsulation: suite.EncapTunnel, Lifetime: time.Hour})
	}
	return all
}

// subnet makes the identity of an IPv4 network.
func subnet(s string) isakmp.Identification {
	p := netip.MustParsePrefix(s)
	mask := make([]byte, 4)
	for i := range p.Bits() {
		mask[i/8] |= 1 << (7 - i%8)
	}
	return isakmp.Identification{IDType: isakmp.IDIPv4Subnet, Data: append(p.Addr().AsSlice(), mask...)}
}

// childPolicy is a policy between 10.1.n.0/24 at the initiator of phase 1 and
// 10.2.n.0/24 at the responder, as side i sees it.
func childPolicy(i, n int, p ChildPolicy) *ChildPolicy {
	p.Local, p.Remote = subnet(fmt.Sprintf("10.1.%d.0/24", n)), subnet(fmt.Sprintf("10.2.%d.0/24", n))
	if i == 1 {
		p.Local, p.Remote = p.Remote, p.Local
	}
	p.Name = fmt.Sprintf("net%d", n)
	return &p
}

// offer lets a side accept policies for their traffic.
func (s *side) offer(policies ...*ChildPolicy) {
	s.phase2.terms = func(asked ChildOffered) []*ChildPolicy {
		var fit []*ChildPolicy
		for _, p := range policies {
			if sameID(&p.Local, &asked.Local) && sameID(&p.Remote, &asked.Remote) {
				fit = append(fit, p)
			}
		}
		return fit
	}
}

// establishedPair is a simulation that has its phase 1.
func establishedPair(t testing.TB, seed int64, net conditions) *simulation {
	t.Helper()
	s := newSimulation(t, seed, testPair(t, "aes128-sha256-ecp256", suite.PresharedKey), calm)
	s.begin()
	s.run(5 * time.Second)
	if !s.up() {
		t.Fatal("phase 1 is not up")
	}
	s.net = net
	return s
}

// onlyUp returns the SAs of the one exchange that is up on both sides.
func (s *simulation) onlyUp(t *testing.T) [2]*ChildSA {
	t.Helper()
	var both [2]*ChildSA
	for i, side := range s.sides {
		if len(side.phase2.up) != 1 {
			t.Fatalf("side %d has %d SAs up, failures %v", i, len(side.phase2.up), side.phase2.failed)
		}
		for _, sa := range side.phase2.up {
			both[i] = sa
		}
	}
	return both
}

// agree checks that what one side sends under, the other receives under.
func agree(t testing.TB, a, b *ChildSA) {
	t.Helper()
	if a.Exchange != b.Exchange || len(a.Pairs) != len(b.Pairs) || a.Lifetime != b.Lifetime || a.LifeKB != b.LifeKB || a.Group != b.Group {
		t.Errorf("one side has %+v, the other %+v", a, b)
		return
	}
	if !sameID(&a.Local, &b.Remote) || !sameID(&a.Remote, &b.Local) {
		t.Errorf("one side protects %v to %v, the other %v to %v", a.Local, a.Remote, b.Local, b.Remote)
	}
	for i := range a.Pairs {
		p, q := a.Pairs[i], b.Pairs[i]
		if p.Algorithms != q.Algorithms || p.Encapsulation != q.Encapsulation {
			t.Errorf("pair %d: %v %v and %v %v", i, p.Algorithms, p.Encapsulation, q.Algorithms, q.Encapsulation)
		}
		for _, way := range [][2]OneWay{{p.Out, q.In}, {p.In, q.Out}} {
			if way[0].SPI != way[1].SPI || !way[0].Encryption.Equal(way[1].Encryption) || !way[0].Integrity.Equal(way[1].Integrity) {
				t.Errorf("pair %d: the sides differ in SPI or key", i)
			}
			if way[0].Encryption.Len() != p.Algorithms.EncryptionKeyLen() || way[0].Integrity.Len() != p.Algorithms.IntegrityKeyLen() {
				t.Errorf("pair %d: keys of %d and %d bytes", i, way[0].Encryption.Len(), way[0].Integrity.Len())
			}
		}
		if p.In.SPI == p.Out.SPI || p.In.Encryption.Len()+p.In.Integrity.Len() > 0 && p.In.Encryption.Equal(p.Out.Encryption) && p.In.Integrity.Equal(p.Out.Integrity) {
			t.Errorf("pair %d: both directions have one key", i)
		}
	}
}

// TestQuickMode negotiates over a network that does no harm.
func TestQuickMode(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs ChildPolicy // the initiator's and the responder's
		want         string      // the algorithms, the group and the lifetime of both
		refused      string      // in the initiator's error
		responder    string      // in the responder's
	}{
		{"no PFS", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}}, ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			"ESP aes128-sha256 tunnel, group 0, 1h0m0s", "", ""},
		{"PFS", ChildPolicy{Groups: []suite.Group{suite.ECP256}, Proposals: []ChildProposal{{ESP: esp(t, "aes256gcm16-esn")}}},
			ChildPolicy{Groups: []suite.Group{0, suite.ECP384, suite.ECP256}, Proposals: []ChildProposal{{ESP: esp(t, "aes256gcm16-esn")}}},
			"ESP aes256gcm16-esn tunnel, ecp256, 1h0m0s", "", ""},
		{"the responder prefers", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "3des-md5", "aes128-sha1")}, {ESP: esp(t, "aes256-sha512")}}},
			ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes256-sha512", "aes128-sha1")}}},
			"ESP aes256-sha512 tunnel, group 0, 1h0m0s", "", ""},
		{"AH", ChildPolicy{Proposals: []ChildProposal{{AH: ah(t, "sha256")}}}, ChildPolicy{Proposals: []ChildProposal{{AH: ah(t, "sha384", "sha256")}}},
			"AH sha256 tunnel, group 0, 1h0m0s", "", ""},
		{"both", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-none"), AH: ah(t, "sha256")}, {ESP: esp(t, "aes128-sha256")}}},
			ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-none"), AH: ah(t, "md5", "sha256")}}},
			"ESP aes128-none tunnel, AH sha256 tunnel, group 0, 1h0m0s", "", ""},
		{"commit", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "null-sha1")}}}, ChildPolicy{Commit: true, Proposals: []ChildProposal{{ESP: esp(t, "null-sha1")}}},
			"ESP null-sha1 tunnel, group 0, 1h0m0s", "", ""},
		{"responder's maximum", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			ChildPolicy{MaxLifetime: 10 * time.Minute, MaxLifeKB: 5000, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			"ESP aes128-sha256 tunnel, group 0, 10m0s, 5000 kB", "", ""},
		{"responder's minimum", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			ChildPolicy{MinLifetime: 2 * time.Hour, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			"", "NO-PROPOSAL-CHOSEN", "the peer offers a lifetime of 1h0m0s, at least 2h0m0s is accepted"},
		{"nothing fits", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}}, ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes256-sha256")}}},
			"", "NO-PROPOSAL-CHOSEN: it accepts nothing of what was offered, ESP aes128-sha256, tunnel", "the peer offered ESP aes128-sha256, tunnel, and nothing of it is accepted here; accepted for this traffic: ESP aes256-sha256, tunnel"},
		{"no PFS where it is wanted", ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			ChildPolicy{Groups: []suite.Group{suite.ECP256}, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			"", "NO-PROPOSAL-CHOSEN", "accepted for this traffic: ESP aes128-sha256 with ecp256, tunnel"},
		{"PFS where none is wanted", ChildPolicy{Groups: []suite.Group{suite.ECP256}, Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-sha256")}}},
			"", "NO-PROPOSAL-CHOSEN", "the peer offered ESP aes128-sha256 with ecp256, tunnel"},
		{"AH alone for both", ChildPolicy{Proposals: []ChildProposal{{AH: ah(t, "sha256")}}}, ChildPolicy{Proposals: []ChildProposal{{ESP: esp(t, "aes128-none"), AH: ah(t, "sha256")}}},
			"", "NO-PROPOSAL-CHOSEN", "accepted for this traffic: ESP aes128-none, tunnel and AH sha256, tunnel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for starter := range 2 { // of quick mode: either side of phase 1
				s := establishedPair(t, 7, calm)
				s.sides[1-starter].offer(childPolicy(1-starter, 1, c.theirs))
				s.push(0, starter, Negotiate{Policy: childPolicy(starter, 1, c.ours), SPI: s.nextSPI(starter)}, 0)
				s.run(3 * time.Minute)
				if c.refused != "" {
					for i, want := range map[int]string{starter: c.refused, 1 - starter: c.responder} {
						for _, err := range s.sides[i].phase2.failed {
							if !strings.Contains(err.Error(), want) {
								t.Errorf("side %d: %v\nwant %s", i, err, want)
							}
						}
						if p := s.sides[i].phase2; len(p.failed) != 1 || len(p.up) != 0 || len(p.ready) != 0 {
							t.Errorf("side %d: %d failed, %d up, %d ready", i, len(p.failed), len(p.up), len(p.ready))
						}
					}
					return
				}
				both := s.onlyUp(t)
				agree(t, both[0], both[1])
				if got := describeChild(both[0]); got != c.want {
					t.Errorf("negotiated %s, want %s", got, c.want)
				}
				if both[starter].Role != Initiator || both[1-starter].Role != Responder {
					t.Error("the roles are wrong")
				}
				for i, side := range s.sides {
					if len(side.sa.quick.live) != 0 || len(side.phase2.failed) != 0 {
						t.Errorf("side %d keeps %d exchanges, failures %v", i, len(side.sa.quick.live), side.phase2.failed)
					}
				}
			}
		})
	}
}

func describeChild(c *ChildSA) string {
	text := ""
	for _, p := range c.Pairs {
		text += fmt.Sprintf("%v %v %v, ", p.Algorithms.Protocol, p.Algorithms, p.Encapsulation)
	}
	text += fmt.Sprintf("%v, %v", c.Group, c.Lifetime)
	if c.LifeKB != 0 {
		text += fmt.Sprintf(", %d kB", c.LifeKB)
	}
	return text
}
