package ikev1

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// newOffer makes the SA payload of message 1: one proposal, the transforms in
// order of preference (RFC 2409, 5).
func newOffer(transforms []suite.Transform) *isakmp.SA {
	p := isakmp.Proposal{Number: 1, Protocol: isakmp.ProtocolISAKMP}
	for i, t := range transforms {
		p.Transforms = append(p.Transforms, isakmp.Transform{
			Number:     uint8(i + 1),
			ID:         isakmp.TransformKeyIKE,
			Attributes: t.Attributes(),
		})
	}
	return &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly, Proposals: []isakmp.Proposal{p}}
}

// errNoProposal is an offer in which nothing fits.
type errNoProposal struct{ offered, accepted []suite.Transform }

func (e errNoProposal) Error() string {
	if len(e.offered) == 0 {
		return "the peer offered no algorithms that are known here"
	}
	nearest, to := suite.Nearest(e.offered, e.accepted)
	return fmt.Sprintf("the peer offered %s, and no policy here accepts any of them; accepted for its address: %s; nearest is %v: %s",
		describeAll(e.offered), describeAll(e.accepted), nearest, strings.Join(nearest.Differences(to), ", "))
}

// describeAll writes transforms for people.
func describeAll(list []suite.Transform) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = described(t)
	}
	return strings.Join(words, ", ")
}

// A choice is what a responder picked out of an offer.
type choice struct {
	transform suite.Transform
	reply     *isakmp.SA // the SA payload of message 2
	policies  []*Policy  // those that accept the transform
}

// choose picks the first of our transforms, in the order of our policies, that
// the peer offers. The attributes go back as they came (RFC 2409, 5).
func choose(offer *isakmp.SA, policies []*Policy) (*choice, error) {
	type offered struct {
		transform suite.Transform
		proposal  isakmp.Proposal
		wire      isakmp.Transform
	}
	var offers []offered
	for _, p := range offer.Proposals {
		if p.Protocol != isakmp.ProtocolISAKMP {
			continue
		}
		for _, w := range p.Transforms {
			if w.ID != isakmp.TransformKeyIKE {
				continue
			}
			// A transform with an attribute that is not understood is
			// not chosen (RFC 2408, 5.6).
			if t, err := suite.TransformFrom(w); err == nil {
				offers = append(offers, offered{t, p, w})
			}
		}
	}
	for _, policy := range policies {
		for _, ours := range policy.Transforms {
			for _, o := range offers {
				if !ours.Equal(o.transform) {
					continue
				}
				chosen := o.transform
				chosen.Lifetime = shorterLife(ours, o.transform).Lifetime
				reply := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly,
					Proposals: []isakmp.Proposal{{
						Number: o.proposal.Number, Protocol: isakmp.ProtocolISAKMP,
						Transforms: []isakmp.Transform{o.wire},
					}}}
				return &choice{chosen, reply, accepting(policies, chosen)}, nil
			}
		}
	}
	e := errNoProposal{}
	for _, o := range offers {
		e.offered = append(e.offered, o.transform)
	}
	for _, policy := range policies {
		e.accepted = append(e.accepted, policy.Transforms...)
	}
	return nil, e
}

// described writes a transform with its authentication.
func described(t suite.Transform) string { return t.String() + " with " + t.Auth.String() }

// shorterLife returns the transform that lives shorter; one without a lifetime
// lives by the other's.
func shorterLife(a, b suite.Transform) suite.Transform {
	if b.Lifetime == 0 || a.Lifetime != 0 && a.Lifetime < b.Lifetime {
		return a
	}
	return b
}

// accepting returns the policies that accept a transform.
func accepting(policies []*Policy, t suite.Transform) []*Policy {
	var fit []*Policy
	for _, p := range policies {
		for _, own := range p.Transforms {
			if own.Equal(t) {
				fit = append(fit, p)
				break
			}
		}
	}
	return fit
}

// confirm checks the responder's choice against our offer: one proposal with one
// transform, which is one of those offered. If an attribute has been changed, added
// or left out, the lifetime too, the answer must be rejected (RFC 2409, 5).
func confirm(answer *isakmp.SA, transforms []suite.Transform) (suite.Transform, error) {
	if len(answer.Proposals) != 1 || len(answer.Proposals[0].Transforms) != 1 {
		return suite.Transform{}, errors.New("the peer chose more than one transform")
	}
	p := answer.Proposals[0]
	if p.Protocol != isakmp.ProtocolISAKMP || p.Transforms[0].ID != isakmp.TransformKeyIKE {
		return suite.Transform{}, fmt.Errorf("the peer chose a transform of protocol %v", p.Protocol)
	}
	t, err := suite.TransformFrom(p.Transforms[0])
	if err != nil {
		return suite.Transform{}, fmt.Errorf("the peer's choice: %w", err)
	}
	if slices.Contains(transforms, t) {
		return t, nil
	}
	for _, own := range transforms {
		if own.Equal(t) {
			return suite.Transform{}, fmt.Errorf("the peer chose %v with %v, and changed the lifetime that was offered: %v, %d KB", t, t.Auth, t.Lifetime, t.LifeKB)
		}
	}
	return suite.Transform{}, fmt.Errorf("the peer chose %v with %v, which was not offered", t, t.Auth)
}
