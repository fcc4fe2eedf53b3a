package ikev1

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// takeAggressiveMessage1 finds the policy for the peer's identity, chooses among
// what it offers and asks for a key. Nothing shows yet that the peer gets our
// answer, and work begins all the same: the caller bounds how much of it.
func (s *SA) takeAggressiveMessage1(m message) {
	s.begin(m)
	// The initiator may have to fetch a revocation list before message 3.
	s.alarms.deadline = s.now.Add(s.cfg.Timing.Deadline)
	payloads, offer, err := readOffer(m)
	if err != nil {
		s.decline(notifyFor(err), err)
		return
	}
	id, err := readIdentity(payloads)
	if err != nil {
		s.decline(isakmp.InvalidIDInformation, err)
		return
	}
	s.peerID = *id
	s.candidates = s.expecting(*id)
	if len(s.candidates) == 0 {
		s.decline(isakmp.InvalidIDInformation, unknownPeerError(s.cfg.Describe(*id)))
		return
	}
	c, err := choose(offer, s.candidates)
	if err == nil {
		err = oneGroup(offer, c.transform.Group)
	}
	if err != nil {
		s.decline(isakmp.NoProposalChosen, err)
		return
	}
	public, nonce, err := keyExchange(payloads, c.transform.Group)
	if err != nil {
		s.decline(isakmp.InvalidKeyInformation, err)
		return
	}
	s.progress(m.Data)
	s.traceReceived(1, m, payloads)
	s.exchange.sa, s.exchange.publicI, s.exchange.nonceI = offer.Raw, public, nonce
	s.transform, s.answer, s.candidates, s.policy = c.transform, c.reply, c.policies, c.policies[0]
	s.learnVendors(payloads)
	s.state = MakingKey
	s.emit(GenerateKey{Group: s.transform.Group})
}

// expecting returns the candidates that are for a peer with an identity.
func (s *SA) expecting(id isakmp.Identification) []*Policy {
	return slices.DeleteFunc(slices.Clone(s.candidates), func(p *Policy) bool {
		return !p.MatchID(id) || p.Auth() == suite.PresharedKey && len(p.keyFor(id)) == 0
	})
}

// oneGroup checks that all that message 1 offers is of the group of its public
// value (RFC 2409, 5).
func oneGroup(offer *isakmp.SA, group suite.Group) error {
	for _, p := range offer.Proposals {
		for _, w := range p.Transforms {
			if t, err := suite.TransformFrom(w); err == nil && t.Group != group {
				return fmt.Errorf("the peer offers the groups %v and %v in aggressive mode, which cannot negotiate the group", group, t.Group)
			}
		}
	}
	return nil
}

// answerAggressiveMessage1 goes on to message 2. With a preshared key nothing but
// our public value is needed for it: the secret waits until the peer has shown,
// by message 3, that it is there.
func (s *SA) answerAggressiveMessage1(KeyPair) {
	s.exchange.publicR, s.exchange.nonceR = s.key.Public(), s.seed.nonce()
	if s.transform.Auth == suite.PresharedKey {
		s.keys = newKeys(&s.exchange, s.transform, nil, s.policy.keyFor(s.peerID))
		s.authenticate(s.ownHash())
		return
	}
	s.state = ComputingSecret
	s.computeSecret(s.exchange.publicI)
}

// haveAggressiveSecret goes on to message 2, or to the message 3 that waits.
func (s *SA) haveAggressiveSecret(ev SharedSecret) {
	if !s.derive(ev.Secret, nil) {
		return
	}
	if s.transform.Auth != suite.PresharedKey {
		s.authenticate(s.ownHash())
		return
	}
	s.state = AwaitAuth
	s.takeKept()
}

// sendAggressiveMessage2 answers with all that we have to say.
func (s *SA) sendAggressiveMessage2(proof isakmp.Payload) {
	id := s.policy.LocalID
	payloads := append([]isakmp.Payload{s.answer}, keyPayloads(s.exchange.publicR, s.exchange.nonceR)...)
	payloads = append(append(payloads, &id), s.certificates()...)
	payloads = append(append(payloads, proof), s.certificateRequests()...)
	payloads = append(payloads, s.natDiscovery(s.path)...)
	s.state = AwaitAuth
	s.sendClear(2, append(payloads, vendorIDs()...))
}

// takeAggressiveMessage3 reads the initiator's authentication, in clear or
// encrypted (RFC 2409, 5).
func (s *SA) takeAggressiveMessage3(m message) {
	// Only who got message 2 knows our cookie.
	s.proven = true
	if s.chain == nil {
		if s.worthTheSecret(m) {
			s.keep(m)
			s.state = ComputingSecret
			s.computeSecret(s.exchange.publicI)
		}
		return
	}
	payloads, err := s.openAggressiveMessage3(m)
	var proof *authentication
	if err == nil {
		proof, err = readProof(payloads, s.transform.Auth)
	}
	if err != nil {
		s.notUnderstood(m, err)
		return
	}
	if s.transform.Auth == suite.PresharedKey && !hmac.Equal(s.keys.hashI(&s.exchange, s.peerID), proof.proof) {
		s.notUnderstood(m, errWrongHash)
		return
	}
	s.progress(m.Data)
	if m.header.Encrypted() {
		s.chain.advance(m.Data)
		// RFC 2407, 4.6.3.3: not in clear.
		s.contact = s.hasInitialContact(payloads)
	}
	s.traceReceived(3, m, payloads)
	// The initiator may have moved to the NAT traversal port (RFC 3947, 4).
	s.path = m.Path
	s.discoverNAT(payloads, m.Path)
	proof.id = s.peerID
	s.judge(proof, s.keys.hashI(&s.exchange, s.peerID))
}

// worthTheSecret reports whether the secret shall be computed for a message 3:
// one in clear proves itself without it.
func (s *SA) worthTheSecret(m message) bool {
	if m.header.Encrypted() {
		return true
	}
	payloads, err := s.openAggressiveMessage3(m)
	if err != nil {
		s.reject(m, err)
		return false
	}
	proof, err := readProof(payloads, s.transform.Auth)
	if err == nil && !hmac.Equal(s.keys.hashI(&s.exchange, s.peerID), proof.proof) {
		err = errWrongHash
	}
	if err != nil {
		s.notUnderstood(m, err)
		return false
	}
	return true
}

// openAggressiveMessage3 returns the payloads of message 3.
func (s *SA) openAggressiveMessage3(m message) ([]isakmp.Payload, error) {
	if m.header.Encrypted() {
		payloads, _, err := s.chain.open(m.Data, m.header, s.chain.last)
		if err != nil {
			return nil, errNotDecrypted{s.transform.Auth == suite.PresharedKey, err}
		}
		return payloads, nil
	}
	parsed, err := isakmp.Parse(m.Data)
	return parsed.Payloads, err
}

// errWrongHash is a peer that does not know the preshared key.
var errWrongHash = hintedError{errors.New("the peer's hash is wrong: the preshared keys differ"), hintPSK}
