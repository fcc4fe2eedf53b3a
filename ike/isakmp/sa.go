package isakmp

import (
	"encoding/binary"
	"fmt"
)

// Limits of an SA payload.
const (
	// MaxProposals is the greatest number of proposals in an SA.
	MaxProposals = 64
	// MaxTransforms is the greatest number of transforms in a proposal: its
	// count has one byte (RFC 2408, 3.5).
	MaxTransforms = 255
	// MaxAttributes is the greatest number of attributes in a transform.
	MaxAttributes = 32
	// MaxSPI is the longest SPI in bytes: the two cookies of an ISAKMP SA (RFC
	// 2408, 3.5).
	MaxSPI = 16
)

// The IPsec domain of interpretation and its one supported situation (RFC 2407,
// 4.2).
const (
	DOIISAKMP             uint32 = 0 // in notifications and deletes of phase 1
	DOIIPsec              uint32 = 1
	SituationIdentityOnly uint32 = 1
)

// TransformKeyIKE is the only transform ID of phase 1 (RFC 2407, 4.4.2.1).
const TransformKeyIKE uint8 = 1

// Protocol says what an SA protects (RFC 2407, 4.4.1).
type Protocol uint8

// The protocols.
const (
	ProtocolISAKMP Protocol = 1
	ProtocolAH     Protocol = 2
	ProtocolESP    Protocol = 3
	ProtocolIPComp Protocol = 4
)

// String gives the protocol's name, or its number.
func (p Protocol) String() string {
	switch p {
	case ProtocolISAKMP:
		return "ISAKMP"
	case ProtocolAH:
		return "AH"
	case ProtocolESP:
		return "ESP"
	case ProtocolIPComp:
		return "IPCOMP"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// SA offers or chooses the algorithms of a security association (RFC 2408,
// 3.4).
type SA struct {
	DOI       uint32 // DOIIPsec; nothing else is accepted
	Situation uint32 // SituationIdentityOnly; nothing else is accepted
	Proposals []Proposal

	// Raw is the body after the generic header, as it was received or last
	// marshalled: HASH_I and HASH_R cover these bytes (RFC 2409, 5). Marshal
	// sets it and never reads it.
	Raw []byte
}

// Proposal is one way to protect: a protocol and the transforms to choose from
// (RFC 2408, 3.5). Proposals of the same number belong together.
type Proposal struct {
	Number     uint8
	Protocol   Protocol
	SPI        []byte // up to MaxSPI bytes
	Transforms []Transform
}

// Transform is one choice within a proposal (RFC 2408, 3.6).
type Transform struct {
	Number     uint8
	ID         uint8
	Attributes []Attribute
}

// saFixed, proposalFixed and transformFixed are the lengths of the fixed parts
// behind the generic headers.
const (
	saFixed        = 8
	proposalFixed  = 4
	transformFixed = 4
)

// Type gives PayloadSA.
func (*SA) Type() PayloadType { return PayloadSA }

func parseSA(b []byte) (*SA, error) {
	if len(b) < saFixed {
		return nil, malformed(PayloadSA, "%d bytes are too few", len(b))
	}
	sa := &SA{
		DOI:       binary.BigEndian.Uint32(b[0:4]),
		Situation: binary.BigEndian.Uint32(b[4:8]),
		Raw:       b,
	}
	// What follows the situation's first word depends on both.
	if err := sa.checkSituation(); err != nil {
		return nil, err
	}
	rest := b[saFixed:]
	for more := true; more; {
		if len(sa.Proposals) == MaxProposals {
			return nil, refuse(BadProposalSyntax, PayloadSA, "more than %d proposals", MaxProposals)
		}
		next, body, tail, err := cutPayload(PayloadProposal, rest)
		if err != nil {
			return nil, err
		}
		p, err := parseProposal(body)
		if err != nil {
			return nil, err
		}
		sa.Proposals = append(sa.Proposals, p)
		if more, err = another(PayloadProposal, next); err != nil {
			return nil, err
		}
		rest = tail
	}
	if len(rest) != 0 {
		return nil, malformed(PayloadSA, "%d bytes after the last proposal", len(rest))
	}
	return sa, nil
}

// another reads the next-payload field of a proposal or transform, which holds
// the same type or none (RFC 2408, 3.5 and 3.6).
func another(t, next PayloadType) (bool, error) {
	if next != PayloadNone && next != t {
		return false, refuse(BadProposalSyntax, t, "followed by a payload of type %d", uint8(next))
	}
	return next == t, nil
}

func parseProposal(b []byte) (Proposal, error) {
	if len(b) < proposalFixed {
		return Proposal{}, malformed(PayloadProposal, "%d bytes are too few", len(b))
	}
	p := Proposal{Number: b[0], Protocol: Protocol(b[1])}
	spi, count := int(b[2]), int(b[3])
	if spi > len(b)-proposalFixed {
		return Proposal{}, refuse(InvalidSPI, PayloadProposal, "SPI of %d bytes with %d left", spi, len(b)-proposalFixed)
	}
	end := proposalFixed + spi
	p.SPI = b[proposalFixed:end:end]
	rest := b[end:]
	for more := true; more; {
		// Bounds the loop too: there are at most 255.
		if len(p.Transforms) == count {
			return Proposal{}, refuse(BadProposalSyntax, PayloadProposal, "more transforms than the %d it announces", count)
		}
		next, body, tail, err := cutPayload(PayloadTransform, rest)
		if err != nil {
			return Proposal{}, err
		}
		t, err := parseTransform(body)
		if err != nil {
			return Proposal{}, err
		}
		p.Transforms = append(p.Transforms, t)
		if more, err = another(PayloadTransform, next); err != nil {
			return Proposal{}, err
		}
		rest = tail
	}
	switch {
	case len(p.Transforms) != count:
		return Proposal{}, refuse(BadProposalSyntax, PayloadProposal, "%d transforms, but it announces %d", len(p.Transforms), count)
	case len(rest) != 0:
		return Proposal{}, malformed(PayloadProposal, "%d bytes after the last transform", len(rest))
	}
	return p, nil
}

func parseTransform(b []byte) (Transform, error) {
	if len(b) < transformFixed {
		return Transform{}, malformed(PayloadTransform, "%d bytes are too few", len(b))
	}
	if b[2] != 0 || b[3] != 0 {
		return Transform{}, malformed(PayloadTransform, "reserved bytes are %#02x %#02x, want 0", b[2], b[3])
	}
	attributes, err := parseAttributes(b[transformFixed:])
	if err != nil {
		return Transform{}, err
	}
	return Transform{Number: b[0], ID: b[1], Attributes: attributes}, nil
}

func (p *SA) checkSituation() error {
	switch {
	case p.DOI != DOIIPsec:
		return refuse(DOINotSupported, PayloadSA, "DOI %d, want %d", p.DOI, DOIIPsec)
	case p.Situation != SituationIdentityOnly:
		// RFC 2407, 4.2: the other situations bring labels with them.
		return refuse(SituationNotSupported, PayloadSA, "situation %#x, want %d", p.Situation, SituationIdentityOnly)
	}
	return nil
}

func (p *SA) check() error {
	if err := p.checkSituation(); err != nil {
		return err
	}
	if n := len(p.Proposals); n == 0 || n > MaxProposals {
		return refuse(BadProposalSyntax, PayloadSA, "%d proposals, want 1 to %d", n, MaxProposals)
	}
	for i := range p.Proposals {
		// RFC 2408, 4.2: numbers increase; equal ones belong together.
		if i > 0 && p.Proposals[i].Number < p.Proposals[i-1].Number {
			return refuse(BadProposalSyntax, PayloadSA, "proposal %d after proposal %d", p.Proposals[i].Number, p.Proposals[i-1].Number)
		}
		if err := p.Proposals[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Proposal) check() error {
	if n := len(p.SPI); n > MaxSPI {
		return refuse(InvalidSPI, PayloadProposal, "SPI of %d bytes, at most %d", n, MaxSPI)
	}
	if n := len(p.Transforms); n == 0 || n > MaxTransforms {
		return refuse(BadProposalSyntax, PayloadProposal, "%d transforms, want 1 to %d", n, MaxTransforms)
	}
	for i := range p.Transforms {
		// RFC 2408, 4.2: each number is used once, and they increase.
		if i > 0 && p.Transforms[i].Number <= p.Transforms[i-1].Number {
			return refuse(BadProposalSyntax, PayloadProposal, "transform %d after transform %d", p.Transforms[i].Number, p.Transforms[i-1].Number)
		}
		if err := checkAttributes(p.Transforms[i].Attributes); err != nil {
			return err
		}
	}
	return nil
}

func (p *SA) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, p.DOI)
	b = binary.BigEndian.AppendUint32(b, p.Situation)
	for i := range p.Proposals {
		b, _ = appendGeneric(b, nextIn(PayloadProposal, i, len(p.Proposals)), p.Proposals[i].appendBody)
	}
	return b
}

func (p *Proposal) appendBody(b []byte) []byte {
	b = append(b, p.Number, byte(p.Protocol), byte(len(p.SPI)), byte(len(p.Transforms)))
	b = append(b, p.SPI...)
	for i := range p.Transforms {
		b, _ = appendGeneric(b, nextIn(PayloadTransform, i, len(p.Transforms)), p.Transforms[i].appendBody)
	}
	return b
}

func (t *Transform) appendBody(b []byte) []byte {
	b = append(b, t.Number, t.ID, 0, 0)
	for _, a := range t.Attributes {
		b = a.appendTo(b)
	}
	return b
}

// nextIn gives the next-payload field of the i-th of n.
func nextIn(t PayloadType, i, n int) PayloadType {
	if i+1 < n {
		return t
	}
	return PayloadNone
}
