package ikev1

import (
	"bytes"
	"errors"

	"keyman/ike/isakmp"
)

// sendMainMessage1 offers the policy's transforms.
func (s *SA) sendMainMessage1(Start) {
	s.alarms.deadline = s.now.Add(s.cfg.Timing.Deadline)
	s.offer = newOffer(s.policy.Transforms)
	s.state = AwaitSA
	if s.sendClear(1, append([]isakmp.Payload{s.offer}, vendorIDs()...)) {
		s.exchange.sa = s.offer.Raw
	}
}

// errZeroCookie is an answer without a cookie of its own.
var errZeroCookie = errors.New("the responder's cookie is zero")

// takeMainMessage2 reads the responder's choice and asks for a Diffie-Hellman key.
func (s *SA) takeMainMessage2(m message) {
	parsed, err := isakmp.Parse(m.Data)
	if err != nil {
		s.reject(m, err)
		return
	}
	answer, ok := only[*isakmp.SA](parsed.Payloads)
	if !ok {
		s.reject(m, errors.New("the message has not exactly one SA payload"))
		return
	}
	if m.header.Responder.IsZero() {
		s.reject(m, errZeroCookie)
		return
	}
	transform, err := confirm(answer, s.policy.Transforms)
	if err != nil {
		s.reject(m, err)
		return
	}
	s.progress(m.Data)
	s.traceReceived(2, m, parsed.Payloads)
	s.exchange.cookieR = m.header.Responder
	s.transform = transform
	s.learnVendors(parsed.Payloads)
	s.state = MakingKey
	s.emit(GenerateKey{Group: transform.Group})
}

// sendMainMessage3 sends our public value and nonce.
func (s *SA) sendMainMessage3(KeyPair) {
	s.exchange.publicI, s.exchange.nonceI = s.key.Public(), s.seed.nonce()
	s.state = AwaitKE
	s.sendClear(3, append(keyPayloads(s.exchange.publicI, s.exchange.nonceI), s.natDiscovery(s.path)...))
}

// takeMainMessage4 reads the responder's public value and asks for the secret.
func (s *SA) takeMainMessage4(m message) {
	payloads, public, nonce, ok := s.readKeyExchange(m)
	if !ok {
		return
	}
	if bytes.Equal(public, s.exchange.publicI) {
		s.reject(m, errOwnKey)
		return
	}
	s.progress(m.Data)
	s.traceReceived(4, m, payloads)
	s.learnVendors(payloads)
	s.exchange.publicR, s.exchange.nonceR = public, nonce
	s.discoverNAT(payloads, m.Path)
	s.float()
	s.state = ComputingSecret
	s.computeSecret(public)
}

// authenticateMainInitiator goes on to message 5.
func (s *SA) authenticateMainInitiator(ev SharedSecret) {
	if s.derive(ev.Secret, s.policy.PSK) {
		s.authenticate(s.ownHash())
	}
}

// sendMainMessage5 authenticates the initiator.
func (s *SA) sendMainMessage5(proof isakmp.Payload) {
	payloads := append(s.authPayloads(proof), s.certificateRequests()...)
	if s.cfg.InitialContact {
		payloads = append(payloads, s.notification(isakmp.InitialContact, nil))
	}
	s.state = AwaitAuth
	s.sendSealed(5, payloads)
}

// takeMainMessage6 reads the responder's authentication.
func (s *SA) takeMainMessage6(m message) {
	a, ok := s.openAuth(m)
	if !ok {
		return
	}
	s.traceReceived(6, m, a.payloads)
	if !s.policy.MatchID(a.id) {
		s.refuse(isakmp.InvalidIDInformation, unexpectedPeerError(s.cfg.Describe(a.id), s.policy.Name))
		return
	}
	s.judge(a, s.keys.hashR(&s.exchange, a.id))
}
