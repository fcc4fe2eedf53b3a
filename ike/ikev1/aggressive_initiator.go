package ikev1

import (
	"bytes"
	"crypto/hmac"
	"errors"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// makeAggressiveKey begins with a key: message 1 carries the public value, so
// that the group cannot be negotiated (RFC 2409, 5).
func (s *SA) makeAggressiveKey(Start) {
	s.alarms.deadline = s.now.Add(s.cfg.Timing.Deadline)
	s.state = MakingKey
	s.emit(GenerateKey{Group: s.policy.Transforms[0].Group})
}

// sendAggressiveMessage1 offers the policy's transforms and says who we are.
func (s *SA) sendAggressiveMessage1(KeyPair) {
	s.exchange.publicI, s.exchange.nonceI = s.key.Public(), s.seed.nonce()
	s.offer = newOffer(s.policy.Transforms)
	id := s.policy.LocalID
	payloads := append([]isakmp.Payload{s.offer}, keyPayloads(s.exchange.publicI, s.exchange.nonceI)...)
	payloads = append(append(payloads, &id), s.certificateRequests()...)
	s.state = AwaitSA
	if s.sendClear(1, append(payloads, vendorIDs()...)) {
		s.exchange.sa = s.offer.Raw
	}
}

// takeAggressiveMessage2 reads the responder's choice, its public value and its
// authentication. Nothing protects this message: with a preshared key its hash is
// checked before it is believed, and with a signature once the secret is there.
func (s *SA) takeAggressiveMessage2(m message) {
	parsed, err := isakmp.Parse(m.Data)
	if err != nil {
		s.reject(m, err)
		return
	}
	payloads := parsed.Payloads
	transform, x, err := s.readAggressiveAnswer(m, payloads)
	if err != nil {
		s.reject(m, err)
		return
	}
	a, err := readAuth(payloads, transform.Auth)
	if err != nil {
		s.reject(m, err)
		return
	}
	if !s.policy.MatchID(a.id) {
		s.objectTo(m, x.cookieR, isakmp.InvalidIDInformation, unexpectedPeerError(s.cfg.Describe(a.id), s.policy.Name))
		return
	}
	var known *keys
	if transform.Auth == suite.PresharedKey {
		known = newKeys(x, transform, nil, s.policy.PSK)
		if !hmac.Equal(known.hashR(x, a.id), a.proof) {
			known.wipe()
			s.objectTo(m, x.cookieR, isakmp.AuthenticationFailed, errWrongHash)
			return
		}
	}
	s.progress(m.Data)
	s.traceReceived(2, m, payloads)
	s.exchange, s.transform, s.keys, s.claim, s.peerID = *x, transform, known, a, a.id
	s.learnVendors(payloads)
	s.discoverNAT(payloads, m.Path)
	s.float()
	s.state = ComputingSecret
	s.computeSecret(x.publicR)
}

// readAggressiveAnswer reads what message 2 adds to the exchange.
func (s *SA) readAggressiveAnswer(m message, payloads []isakmp.Payload) (suite.Transform, *exchange, error) {
	answer, ok := only[*isakmp.SA](payloads)
	if !ok {
		return suite.Transform{}, nil, errors.New("the message has not exactly one SA payload")
	}
	if m.header.Responder.IsZero() {
		return suite.Transform{}, nil, errZeroCookie
	}
	transform, err := confirm(answer, s.policy.Transforms)
	if err != nil {
		return suite.Transform{}, nil, err
	}
	x := s.exchange
	x.cookieR = m.header.Responder
	if x.publicR, x.nonceR, err = keyExchange(payloads, transform.Group); err != nil {
		return suite.Transform{}, nil, err
	}
	if bytes.Equal(x.publicR, x.publicI) {
		return suite.Transform{}, nil, errOwnKey
	}
	return transform, &x, nil
}

// objectTo rejects a message 2 and tells its sender why, once, without proof of
// who says so: there are no keys that both sides hold.
func (s *SA) objectTo(m message, responder isakmp.Cookie, notify isakmp.NotifyType, err error) {
	s.reject(m, err)
	if !s.notified {
		s.notified = true
		s.notifyInClear(responder, notify)
	}
}

// verifyAggressiveResponder goes on with the authentication of message 2.
func (s *SA) verifyAggressiveResponder(ev SharedSecret) {
	if !s.derive(ev.Secret, s.policy.PSK) {
		return
	}
	a := s.claim
	s.claim = nil
	s.judge(a, s.keys.hashR(&s.exchange, a.id))
}

// sendAggressiveMessage3 authenticates the initiator, who is done then. It goes
// encrypted, which RFC 2409, 5 leaves open: nobody else shall see who we are.
func (s *SA) sendAggressiveMessage3(proof isakmp.Payload) {
	payloads := append(s.certificates(), proof)
	payloads = append(payloads, s.natDiscovery(s.path)...)
	if s.cfg.InitialContact {
		payloads = append(payloads, s.notification(isakmp.InitialContact, nil))
	}
	if s.sendSealed(3, payloads) {
		s.establish()
	}
}
