package ikev1

import (
	"bytes"
	"errors"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// takeMainMessage1 chooses among what the initiator offers.
func (s *SA) takeMainMessage1(m message) {
	s.begin(m)
	s.alarms.deadline = s.now.Add(min(s.cfg.Timing.HalfOpen, s.cfg.Timing.Deadline))
	payloads, offer, err := readOffer(m)
	if err != nil {
		s.decline(notifyFor(err), err)
		return
	}
	c, err := choose(offer, s.candidates)
	if err != nil {
		s.decline(isakmp.NoProposalChosen, err)
		return
	}
	s.progress(m.Data)
	s.traceReceived(1, m, payloads)
	s.exchange.sa = offer.Raw
	s.transform, s.candidates = c.transform, c.policies
	s.learnVendors(payloads)
	s.state = AwaitKE
	s.sendClear(2, append([]isakmp.Payload{c.reply}, vendorIDs()...))
}

// takeMainMessage3 reads the initiator's public value and asks for a key of our own.
func (s *SA) takeMainMessage3(m message) {
	payloads, public, nonce, ok := s.readKeyExchange(m)
	if !ok {
		return
	}
	s.progress(m.Data)
	s.proven = true
	s.alarms.deadline = s.began.Add(s.cfg.Timing.Deadline)
	s.traceReceived(3, m, payloads)
	s.path = m.Path
	s.learnVendors(payloads)
	s.exchange.publicI, s.exchange.nonceI = public, nonce
	s.discoverNAT(payloads, m.Path)
	s.state = MakingKey
	s.emit(GenerateKey{Group: s.transform.Group})
}

// sendMainMessage4 sends our public value and nonce, and asks for the secret.
func (s *SA) sendMainMessage4(KeyPair) {
	s.exchange.publicR, s.exchange.nonceR = s.key.Public(), s.seed.nonce()
	s.state = ComputingSecret
	payloads := append(keyPayloads(s.exchange.publicR, s.exchange.nonceR), s.certificateRequests()...)
	if s.sendClear(4, append(payloads, s.natDiscovery(s.path)...)) {
		s.computeSecret(s.exchange.publicI)
	}
}

// awaitMainMessage5 goes on to message 5, which may be there already.
func (s *SA) awaitMainMessage5(ev SharedSecret) {
	// A responder knows its peer only by the address here: the first policy
	// for that address gives the preshared key (RFC 2409, 5.4).
	if s.derive(ev.Secret, s.candidates[0].PSK) {
		s.state = AwaitAuth
		s.takeKept()
	}
}

// takeMainMessage5 reads the initiator's authentication and finds the policy for
// it.
func (s *SA) takeMainMessage5(m message) {
	a, ok := s.openAuth(m)
	if !ok {
		return
	}
	s.traceReceived(5, m, a.payloads)
	// The initiator may have moved to the NAT traversal port (RFC 3947, 4).
	s.path = m.Path
	for _, p := range s.candidates {
		// Only a policy with the key that was used counts.
		if p.MatchID(a.id) && (s.transform.Auth != suite.PresharedKey || bytes.Equal(p.PSK, s.candidates[0].PSK)) {
			s.policy = p
			break
		}
	}
	if s.policy == nil {
		s.refuse(isakmp.InvalidIDInformation, unknownPeerError(s.cfg.Describe(a.id)))
		return
	}
	s.judge(a, s.keys.hashI(&s.exchange, a.id))
}

// sendMainMessage6 authenticates the responder, who is done then.
func (s *SA) sendMainMessage6(proof isakmp.Payload) {
	if s.sendSealed(6, s.authPayloads(proof)) {
		s.establish()
	}
}

// begin notes who asks for a negotiation.
func (s *SA) begin(m message) {
	s.exchange.cookieI = m.header.Initiator
	s.path = m.Path
	s.began = s.now
}

// errOfferFirst is a first message without an offer at its beginning.
var errOfferFirst = errors.New("message 1 does not begin with its one SA payload")

// readOffer takes message 1 apart.
func readOffer(m message) ([]isakmp.Payload, *isakmp.SA, error) {
	parsed, err := isakmp.Parse(m.Data)
	if err != nil {
		return nil, nil, err
	}
	offer, ok := only[*isakmp.SA](parsed.Payloads)
	if !ok || parsed.Payloads[0] != isakmp.Payload(offer) {
		// RFC 2409, 5: the SA payload stands first.
		return nil, nil, errOfferFirst
	}
	return parsed.Payloads, offer, nil
}

// decline answers message 1 with an error; a repeated one is declined anew.
func (s *SA) decline(notify isakmp.NotifyType, err error) {
	s.sendClearNotification(notify)
	s.fail(err)
}

// keep holds a message until the secret is there.
func (s *SA) keep(m message) { s.pending = &m }

// takeKept goes on with the message that came before the secret, if one did.
func (s *SA) takeKept() {
	if m := s.pending; m != nil {
		s.pending = nil
		s.takeMessage(*m)
	}
}
