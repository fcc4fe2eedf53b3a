package ikev1

import (
	"errors"
	"fmt"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A ChildPolicy is what a phase 2 tunnel protects and how. It is not changed once
// it is in use.
type ChildPolicy struct {
	// Name tells the policy apart in reports; nothing here reads it.
	Name string
	// Local and Remote say what is protected, seen from here, as IDci and IDcr
	// do. The zero value stands for all traffic of the host that negotiates.
	// Only an initiator reads them: a responder's owner finds the policies for
	// what a peer asks.
	Local, Remote isakmp.Identification
	// Proposals are offered, or accepted, in order of preference.
	Proposals []ChildProposal
	// Groups are the Diffie-Hellman groups of perfect forward secrecy, in order
	// of preference; 0 among them stands for none, and no groups at all for
	// that alone. An initiator offers the first, a responder accepts them all.
	Groups []suite.Group
	// MinLifetime and MaxLifetime, MinLifeKB and MaxLifeKB bound what a
	// responder takes; 0 does not. What is offered below a minimum is refused;
	// above a maximum the responder says its own by RESPONDER-LIFETIME (RFC
	// 2407, 4.5.4).
	MinLifetime, MaxLifetime time.Duration
	MinLifeKB, MaxLifeKB     uint32
	// Commit has a responder set the commit bit: the initiator then waits until
	// it is told that the SA may be used (RFC 2408, 3.1).
	Commit bool
}

// A ChildProposal is one way to protect: by ESP, by AH, or by both where both
// have transforms, each in order of preference. The transforms' Group is left
// zero, and their Encapsulation does not speak of UDP: the negotiation fills in
// both.
type ChildProposal struct {
	ESP, AH []suite.IPsecOffer
}

// DefaultChildLifetime is how long the SAs of a phase 2 tunnel last where nobody
// says anything (RFC 2407, 4.5).
const DefaultChildLifetime = 8 * time.Hour

// Limits of a phase 2 tunnel's policy.
const (
	// maxChildProposals bounds the proposals of a policy.
	maxChildProposals = 32
	// maxChildTransforms bounds the transforms of each protocol of a proposal.
	maxChildTransforms = 32
)

// protocols returns the transforms by protocol, ESP first: what a packet meets
// first stands first.
func (p ChildProposal) protocols() [][]suite.IPsecOffer {
	var all [][]suite.IPsecOffer
	for _, offers := range [...][]suite.IPsecOffer{p.ESP, p.AH} {
		if len(offers) > 0 {
			all = append(all, offers)
		}
	}
	return all
}

// groups returns the groups of perfect forward secrecy, 0 for none.
func (p *ChildPolicy) groups() []suite.Group {
	if len(p.Groups) == 0 {
		return []suite.Group{0}
	}
	return p.Groups
}

// validate checks what the negotiation relies on.
func (p *ChildPolicy) validate() error {
	if n := len(p.Proposals); n == 0 || n > maxChildProposals {
		return fmt.Errorf("%d proposals, want 1 to %d", n, maxChildProposals)
	}
	if p.Local.Protocol != p.Remote.Protocol {
		// The guide's rule, and RFC 2409's in effect: it is one flow.
		return fmt.Errorf("protocol %d here and %d at the peer: they must be the same", p.Local.Protocol, p.Remote.Protocol)
	}
	for _, g := range p.groups() {
		if g != 0 && !g.Known() {
			return fmt.Errorf("Diffie-Hellman %v is not supported", g)
		}
	}
	for _, proposal := range p.Proposals {
		if err := proposal.validate(); err != nil {
			return err
		}
	}
	return nil
}

// errUnfinishedOffer is a transform that says what the negotiation fills in.
var errUnfinishedOffer = errors.New("a transform of a policy names no group, and its encapsulation is tunnel or transport")

func (p ChildProposal) validate() error {
	if len(p.ESP) == 0 && len(p.AH) == 0 {
		return errors.New("a proposal without transforms")
	}
	for protocol, offers := range map[isakmp.Protocol][]suite.IPsecOffer{isakmp.ProtocolESP: p.ESP, isakmp.ProtocolAH: p.AH} {
		if len(offers) > maxChildTransforms {
			return fmt.Errorf("%d transforms of %v, at most %d", len(offers), protocol, maxChildTransforms)
		}
		for _, o := range offers {
			switch err := o.Validate(); {
			case err != nil:
				return err
			case o.Protocol != protocol:
				return fmt.Errorf("a transform of %v among those of %v", o.Protocol, protocol)
			case o.Group != 0 || o.Encapsulation != suite.EncapTunnel && o.Encapsulation != suite.EncapTransport:
				return errUnfinishedOffer
			}
		}
	}
	return nil
}

// responderLifetimes cuts what an initiator offers down to the policy's maximum.
// It reports whether anything was cut, and refuses what is below the minimum.
func (p *ChildPolicy) responderLifetimes(own, offered suite.IPsecOffer) (lifetime time.Duration, kilobytes uint32, cut bool, err error) {
	lifetime, kilobytes = offered.Lifetime, offered.LifeKB
	if lifetime == 0 {
		lifetime = DefaultChildLifetime
	}
	if lifetime < p.MinLifetime {
		return 0, 0, false, fmt.Errorf("the peer offers a lifetime of %v, at least %v is accepted", lifetime, p.MinLifetime)
	}
	if kilobytes != 0 && kilobytes < p.MinLifeKB {
		return 0, 0, false, fmt.Errorf("the peer offers a lifetime of %d kB, at least %d is accepted", kilobytes, p.MinLifeKB)
	}
	maxLifetime, maxKB := p.MaxLifetime, p.MaxLifeKB
	if maxLifetime == 0 {
		maxLifetime = own.Lifetime
	}
	if maxKB == 0 {
		maxKB = own.LifeKB
	}
	if maxLifetime != 0 && lifetime > maxLifetime {
		lifetime, cut = maxLifetime, true
	}
	if maxKB != 0 && (kilobytes == 0 || kilobytes > maxKB) {
		kilobytes, cut = maxKB, true
	}
	return lifetime, kilobytes, cut, nil
}
