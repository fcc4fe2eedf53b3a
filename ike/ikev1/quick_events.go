package ikev1

import (
	"errors"
	"slices"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// Negotiate begins a quick mode as initiator, under an SA that is established.
// ChildUp or ChildFailed says how it ends.
type Negotiate struct {
	Policy *ChildPolicy
	// SPI is the one that the peer shall send on, by AH and ESP alike. It is
	// 256 or more, and used by no other SA of this machine: the effects of
	// this negotiation bear it.
	SPI uint32
}

// Terms answers ChildOffered.
type Terms struct {
	Exchange uint32
	// Policies are those by which the traffic may be protected, in order of
	// preference; none refuses it.
	Policies []*ChildPolicy
	// SPI is as in Negotiate.
	SPI uint32
	// Err refuses whatever the policies say.
	Err error
}

// DeleteChild tells the peer that SAs are no more. SPIs are ours.
type DeleteChild struct {
	SPIs []ChildSPI
}

// ChildOffered says that the peer wants to protect traffic, given as seen from
// here, as IDci and IDcr or, where it sent none, as the two hosts: answer with
// Terms.
type ChildOffered struct {
	Exchange      uint32 // the message ID of its quick mode
	Local, Remote isakmp.Identification
}

// ChildReady says that packets of the peer may come in under the SA from now on.
// Nothing may go out before ChildUp; ChildFailed may come instead.
type ChildReady struct {
	SA *ChildSA
}

// ChildUp says that the SA may be used in both directions.
type ChildUp struct {
	SA *ChildSA
}

// ChildFailed says that a quick mode ended without an SA. Err wraps
// ErrPhase1Ended where the SA under it is the reason.
type ChildFailed struct {
	SPI  uint32 // of Negotiate or Terms; 0 where it did not come to that
	Role Role   // in the quick mode
	Err  error
}

// ChildDeleted says that the peer no longer has the SA that we send on.
type ChildDeleted struct {
	SPI ChildSPI
}

// ChildLife says that the peer lets an SA live no longer than this from its
// beginning; 0 says nothing. The SPI is ours.
type ChildLife struct {
	SPI      uint32
	Lifetime time.Duration
	LifeKB   uint32
}

// A ChildSA is what a quick mode negotiated: an SA for each direction, of AH or
// ESP, or of both. It carries the keys.
type ChildSA struct {
	Exchange uint32    // the message ID of its quick mode
	Began    time.Time // when its quick mode did, here
	Role     Role      // in its quick mode
	Policy   *ChildPolicy
	// Local and Remote say what is protected, seen from here.
	Local, Remote isakmp.Identification
	// Pairs are one or two: ESP first, which a packet meets first on its way
	// out.
	Pairs []Pair
	// Group is that of perfect forward secrecy, 0 without.
	Group suite.Group
	// Lifetime and LifeKB say how long the SAs may be used; LifeKB 0 does not
	// bound. Both sides may know of different ones: the shorter counts.
	Lifetime time.Duration
	LifeKB   uint32
	// Path has the addresses between which packets travel, and where they are
	// in UDP the ports.
	Path     Path
	NAT      NAT
	Original OriginalAddresses
}

// A Pair is the SAs of one protocol in both directions.
type Pair struct {
	Algorithms    suite.IPsec
	Encapsulation suite.Encapsulation
	In, Out       OneWay
}

// SPI returns the one that we receive on, which names the SA on this machine.
func (c *ChildSA) SPI() uint32 { return c.Pairs[0].In.SPI }

// sends reports whether we send on an SA of the peer's.
func (c *ChildSA) sends(spi ChildSPI) bool {
	return slices.ContainsFunc(c.Pairs, func(p Pair) bool { return p.Algorithms.Protocol == spi.Protocol && p.Out.SPI == spi.SPI })
}

// Inbound returns the SPIs that we receive on.
func (c *ChildSA) Inbound() []ChildSPI {
	var all []ChildSPI
	for _, p := range c.Pairs {
		all = append(all, ChildSPI{p.Algorithms.Protocol, p.In.SPI})
	}
	return all
}

// Clone copies the SA with its keys, for a data plane that keeps them.
func (c *ChildSA) Clone() *ChildSA {
	clone := *c
	clone.Pairs = slices.Clone(c.Pairs)
	for i := range clone.Pairs {
		p := &clone.Pairs[i]
		for _, key := range [...]*Secret{&p.In.Encryption, &p.In.Integrity, &p.Out.Encryption, &p.Out.Integrity} {
			*key = newSecret(slices.Clone(key.Bytes()))
		}
	}
	return &clone
}

// Wipe overwrites the keys.
func (c *ChildSA) Wipe() {
	for _, p := range c.Pairs {
		for _, key := range [...]Secret{p.In.Encryption, p.In.Integrity, p.Out.Encryption, p.Out.Integrity} {
			key.Wipe()
		}
	}
}

// Weak gives a word for each weak algorithm.
func (c *ChildSA) Weak() []string {
	var weak []string
	for _, p := range c.Pairs {
		weak = append(weak, p.Algorithms.Weak()...)
	}
	if c.Group != 0 && c.Group.Weak() != "" {
		weak = append(weak, c.Group.Weak())
	}
	return weak
}

// errDeletedMeanwhile is an SA that the peer gave up before it was there.
var errDeletedMeanwhile = errors.New("the peer deleted the SA during its negotiation")

func (Negotiate) isEvent()   {}
func (Terms) isEvent()       {}
func (DeleteChild) isEvent() {}

func (ChildOffered) isEffect() {}
func (ChildReady) isEffect()   {}
func (ChildUp) isEffect()      {}
func (ChildFailed) isEffect()  {}
func (ChildDeleted) isEffect() {}
func (ChildLife) isEffect()    {}
