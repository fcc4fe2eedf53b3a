package ikev1

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A childChoice is what came out of the offers of a quick mode.
type childChoice struct {
	policy  *ChildPolicy
	offers  []suite.IPsecOffer // one a protocol, ESP first
	peerSPI []uint32           // for each of them
	reply   *isakmp.SA         // the SA payload of message 2
	// lifetime and kilobytes are what both sides keep to; cut says that the
	// initiator has to be told.
	lifetime  time.Duration
	kilobytes uint32
	cut       bool
	rank      []int // places of the transforms among ours
}

// encapsulated returns the encapsulation that a NAT between the peers makes of
// one, in the words that the peer knows (RFC 3947, 5.1).
func encapsulated(e suite.Encapsulation, protocol isakmp.Protocol, nat bool) suite.Encapsulation {
	switch {
	case !nat || protocol == isakmp.ProtocolAH:
		return e // AH does not pass a NAT: there is no UDP for it (RFC 3948, 1)
	case e == suite.EncapTransport:
		return suite.EncapUDPTransport
	}
	return suite.EncapUDPTunnel
}

// newChildOffer makes the SA payload of message 1: the proposals in order of
// preference, those of AH and ESP of one proposal under the same number.
func newChildOffer(p *ChildPolicy, spi uint32, nat bool) *isakmp.SA {
	sa := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly}
	for i, proposal := range p.Proposals {
		for _, offers := range proposal.protocols() {
			wire := isakmp.Proposal{Number: uint8(i + 1), Protocol: offers[0].Protocol, SPI: spiBytes(spi)}
			for j, o := range offers {
				o.Group = p.groups()[0]
				o.Encapsulation = encapsulated(o.Encapsulation, o.Protocol, nat)
				wire.Transforms = append(wire.Transforms, o.Transform(uint8(j+1)))
			}
			sa.Proposals = append(sa.Proposals, wire)
		}
	}
	return sa
}

// An offeredProposal is the proposals of one number: they belong together.
type offeredProposal struct {
	wire []isakmp.Proposal
	// offers are the transforms that are understood here; nil stands in the
	// place of one that is not.
	offers [][]*suite.IPsecOffer
	spis   []uint32
}

// readProposals sorts a peer's proposals by number. Proposals that nothing here
// could accept are left out.
func readProposals(sa *isakmp.SA) []offeredProposal {
	var all []offeredProposal
	for i := 0; i < len(sa.Proposals); {
		number := sa.Proposals[i].Number
		var p offeredProposal
		usable := true
		for ; i < len(sa.Proposals) && sa.Proposals[i].Number == number; i++ {
			wire := sa.Proposals[i]
			spi, ok := readSPI(wire.SPI)
			usable = usable && ok && (wire.Protocol == isakmp.ProtocolESP || wire.Protocol == isakmp.ProtocolAH)
			offers := make([]*suite.IPsecOffer, len(wire.Transforms))
			for j, t := range wire.Transforms {
				if o, err := suite.IPsecOfferFrom(wire.Protocol, t); err == nil {
					offers[j] = &o
				}
			}
			p.wire, p.offers, p.spis = append(p.wire, wire), append(p.offers, offers), append(p.spis, spi)
		}
		if usable {
			all = append(all, p)
		}
	}
	return all
}

// find returns the place of a protocol among those of the proposal.
func (p *offeredProposal) find(protocol isakmp.Protocol) (int, bool) {
	for i, w := range p.wire {
		if w.Protocol == protocol {
			return i, true
		}
	}
	return 0, false
}

// errNoChildProposal is an offer in which nothing fits.
type errNoChildProposal struct {
	offered, accepted []string
	lifetime          error // what only failed by its lifetime
}

func (e errNoChildProposal) Error() string {
	switch {
	case e.lifetime != nil:
		return e.lifetime.Error()
	case len(e.offered) == 0:
		return "the peer offered no protection that is known here"
	}
	return fmt.Sprintf("the peer offered %s, and nothing of it is accepted here; accepted for this traffic: %s",
		strings.Join(e.offered, "; "), strings.Join(e.accepted, "; "))
}

// A childOffering is what a responder chooses from.
type childOffering struct {
	sa *isakmp.SA
	// public is the length of the peer's public value, 0 without one: a group
	// that is not of this length was not meant.
	public int
	nat    bool
	spi    uint32 // our own
}

// chooseChild picks the first of our proposals, in the order of our policies, that
// the peer offers. The attributes go back as they came.
func chooseChild(offering childOffering, policies []*ChildPolicy) (*childChoice, error) {
	peers := readProposals(offering.sa)
	var refused errNoChildProposal
	for _, policy := range policies {
		for _, own := range policy.Proposals {
			for _, group := range policy.groups() {
				if group.PublicSize() != offering.public {
					continue
				}
				var best *childChoice
				for i := range peers {
					c, err := offering.match(policy, own, group, &peers[i])
					if err != nil {
						refused.lifetime = err
					}
					if c != nil && (best == nil || slices.Compare(c.rank, best.rank) < 0) {
						best = c
					}
				}
				if best != nil {
					return best, nil
				}
			}
		}
	}
	for _, p := range peers {
		refused.offered = append(refused.offered, p.String())
	}
	for _, policy := range policies {
		refused.accepted = append(refused.accepted, policy.describe(offering.nat)...)
	}
	return nil, refused
}

// match fits one of our proposals to one of the peer's: the same protocols, and
// for each a transform of ours that the peer offers. An error is a lifetime that
// stands in the way.
func (offering childOffering) match(policy *ChildPolicy, own ChildProposal, group suite.Group, peer *offeredProposal) (*childChoice, error) {
	protocols := own.protocols()
	if len(protocols) != len(peer.wire) {
		return nil, nil
	}
	c := &childChoice{policy: policy, reply: &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly}}
	chosen := make([]isakmp.Proposal, len(peer.wire))
	for _, offers := range protocols {
		at, ok := peer.find(offers[0].Protocol)
		if !ok {
			return nil, nil
		}
		rank, n := offering.transform(offers, group, peer.offers[at])
		if n < 0 {
			return nil, nil
		}
		mine, theirs := offers[rank], *peer.offers[at][n]
		c.rank = append(c.rank, rank)
		lifetime, kilobytes, cut, err := policy.responderLifetimes(mine, theirs)
		if err != nil {
			return nil, err
		}
		c.keep(lifetime, kilobytes)
		c.cut = c.cut || cut
		if theirs.Encapsulation == 0 {
			theirs.Encapsulation = encapsulated(mine.Encapsulation, theirs.Protocol, offering.nat)
		}
		c.offers, c.peerSPI = append(c.offers, theirs), append(c.peerSPI, peer.spis[at])
		chosen[at] = peer.wire[at]
		chosen[at].SPI = spiBytes(offering.spi)
		chosen[at].Transforms = peer.wire[at].Transforms[n : n+1]
	}
	c.reply.Proposals = chosen
	return c, nil
}

// transform finds the first of our transforms that is among the peer's, and its
// place there; -1 where there is none. Where the peer says nothing about encapsulation it is ours to decide (RFC
// 2407, 4.5).
func (offering childOffering) transform(own []suite.IPsecOffer, group suite.Group, theirs []*suite.IPsecOffer) (rank, place int) {
	for rank, mine := range own {
		want := mine
		want.Group = group
		want.Encapsulation = encapsulated(mine.Encapsulation, mine.Protocol, offering.nat)
		for i, t := range theirs {
			if t == nil {
				continue
			}
			got := *t
			switch {
			case got.Encapsulation == suite.EncapDraftUDPTunnel, got.Encapsulation == 0 && want.Encapsulation == suite.EncapUDPTunnel:
				got.Encapsulation = suite.EncapUDPTunnel
			case got.Encapsulation == suite.EncapDraftUDPTransport, got.Encapsulation == 0 && want.Encapsulation == suite.EncapUDPTransport:
				got.Encapsulation = suite.EncapUDPTransport
			case got.Encapsulation == 0:
				got.Encapsulation = want.Encapsulation
			}
			if got.SameAs(want) {
				return rank, i
			}
		}
	}
	return 0, -1
}

// keep takes over the shorter lifetimes.
func (c *childChoice) keep(lifetime time.Duration, kilobytes uint32) {
	if c.lifetime == 0 || lifetime != 0 && lifetime < c.lifetime {
		c.lifetime = lifetime
	}
	if c.kilobytes == 0 || kilobytes != 0 && kilobytes < c.kilobytes {
		c.kilobytes = kilobytes
	}
}

// String lists what a peer proposed.
func (p offeredProposal) String() string {
	parts := make([]string, 0, len(p.wire))
	for i, offers := range p.offers {
		var words []string
		for _, o := range offers {
			if o != nil {
				words = append(words, o.String())
			}
		}
		if len(words) == 0 {
			words = []string{p.wire[i].Protocol.String() + " with unknown algorithms"}
		}
		parts = append(parts, strings.Join(words, " or "))
	}
	return strings.Join(parts, " and ")
}

// describe lists what a policy accepts.
func (p *ChildPolicy) describe(nat bool) []string {
	var all []string
	for _, proposal := range p.Proposals {
		var parts []string
		for _, offers := range proposal.protocols() {
			var words []string
			for _, o := range offers {
				o.Encapsulation = encapsulated(o.Encapsulation, o.Protocol, nat)
				for _, o.Group = range p.groups() {
					words = append(words, o.String())
				}
			}
			parts = append(parts, strings.Join(words, " or "))
		}
		all = append(all, strings.Join(parts, " and "))
	}
	return all
}

// confirmChild checks the responder's choice against our offer: one of the
// proposals offered, whole, with one transform a protocol that was offered in it,
// unchanged but for a shorter lifetime (RFC 2409, 5.5; RFC 2407, 4.5.4).
func confirmChild(answer, offer *isakmp.SA, policy *ChildPolicy) (*childChoice, error) {
	number := answer.Proposals[0].Number
	for _, p := range answer.Proposals {
		if p.Number != number || len(p.Transforms) != 1 {
			return nil, errors.New("the peer chose more than one proposal or transform")
		}
	}
	mine := ofNumber(offer, number)
	if len(mine) == 0 || len(mine) != len(answer.Proposals) {
		return nil, fmt.Errorf("the peer chose %d protocols of proposal %d, offered were %d", len(answer.Proposals), number, len(mine))
	}
	c := &childChoice{policy: policy}
	for _, own := range mine {
		theirs, ok := protocolOf(answer.Proposals, own.Protocol)
		if !ok {
			return nil, fmt.Errorf("the peer left out %v of proposal %d", own.Protocol, number)
		}
		spi, ok := readSPI(theirs.SPI)
		if !ok {
			return nil, fmt.Errorf("the peer's SPI %x is not one of %v", theirs.SPI, own.Protocol)
		}
		got, err := suite.IPsecOfferFrom(theirs.Protocol, theirs.Transforms[0])
		if err != nil {
			return nil, fmt.Errorf("the peer's choice: %w", err)
		}
		offered, ok := offeredAs(own, got)
		if !ok {
			return nil, fmt.Errorf("the peer chose %v, which was not offered", got)
		}
		if longer(got, offered) {
			return nil, errors.New("the peer made the lifetime longer than was offered")
		}
		for _, o := range [...]suite.IPsecOffer{offered, got} {
			c.keep(o.Lifetime, o.LifeKB)
		}
		c.offers, c.peerSPI = append(c.offers, got), append(c.peerSPI, spi)
	}
	if c.lifetime == 0 {
		c.lifetime = DefaultChildLifetime
	}
	return c, nil
}

// ofNumber returns the proposals of a number.
func ofNumber(sa *isakmp.SA, number uint8) []isakmp.Proposal {
	var all []isakmp.Proposal
	for _, p := range sa.Proposals {
		if p.Number == number {
			all = append(all, p)
		}
	}
	return all
}

// protocolOf finds the proposal of a protocol, of which there must be one.
func protocolOf(proposals []isakmp.Proposal, protocol isakmp.Protocol) (isakmp.Proposal, bool) {
	var found isakmp.Proposal
	n := 0
	for _, p := range proposals {
		if p.Protocol == protocol {
			found = p
			n++
		}
	}
	return found, n == 1
}

// offeredAs finds a chosen transform among those of a proposal of ours.
func offeredAs(own isakmp.Proposal, got suite.IPsecOffer) (suite.IPsecOffer, bool) {
	for _, t := range own.Transforms {
		if o, err := suite.IPsecOfferFrom(own.Protocol, t); err == nil && o.SameAs(got) {
			return o, true
		}
	}
	return suite.IPsecOffer{}, false
}

// longer reports whether a choice lives longer than its offer. One that says
// nothing lives as offered.
func longer(got, offered suite.IPsecOffer) bool {
	return offered.Lifetime != 0 && got.Lifetime > offered.Lifetime || offered.LifeKB != 0 && got.LifeKB > offered.LifeKB
}
