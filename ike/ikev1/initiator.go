package ikev1

import (
	"bytes"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// vendorIDs are what we announce.
func vendorIDs() []isakmp.Payload {
	return []isakmp.Payload{
		isakmp.VendorKeyman.Payload(),
		isakmp.VendorDPD.Payload(),
		isakmp.VendorNATT.Payload(),
		isakmp.VendorFragmentation.Payload(),
	}
}

// learnVendors notes what the peer announced.
func (s *SA) learnVendors(payloads []isakmp.Payload) {
	for _, v := range isakmp.All[*isakmp.VendorID](payloads) {
		switch known, _ := isakmp.KnownVendor(v.Data); known {
		case isakmp.VendorDPD:
			s.peer.dpd = true
		case isakmp.VendorFragmentation:
			s.peer.fragmentation = true
		case isakmp.VendorNATT:
			s.peer.natt = true
		case isakmp.VendorKeyman:
			s.peer.keyman = true
		}
	}
}

// sendMessage1 offers the policy's transforms.
func (s *SA) sendMessage1() {
	s.offer = newOffer(s.policy.Transforms)
	s.state = AwaitSA
	if s.sendClear(1, append([]isakmp.Payload{s.offer}, vendorIDs()...)) {
		s.exchange.sa = s.offer.Raw
	}
}

// takeMessage2 reads the responder's choice and asks for a Diffie-Hellman key.
func (s *SA) takeMessage2(d Datagram, h isakmp.Header) {
	payloads, answer, ok := clear1[*isakmp.SA](s, d, h)
	if !ok {
		return
	}
	if h.Responder.IsZero() {
		s.reject(d, h, errors.New("the responder's cookie is zero"))
		return
	}
	transform, err := confirm(answer, s.policy.Transforms)
	if err != nil {
		s.reject(d, h, err)
		return
	}
	s.progress(d.Data)
	s.traceReceived(2, h, d.Path, payloads)
	s.exchange.cookieR = h.Responder
	s.transform = transform
	s.learnVendors(payloads)
	s.state = MakingKey
	s.emit(GenerateKey{Group: transform.Group})
}

// haveKey goes on with a Diffie-Hellman key.
func (s *SA) haveKey(ev KeyPair) {
	if s.state != MakingKey {
		if ev.Key != nil {
			ev.Key.Wipe() // too late
		}
		return
	}
	if ev.Err != nil {
		s.fail(fmt.Errorf("no Diffie-Hellman key: %w", ev.Err))
		return
	}
	s.key = ev.Key
	nonce := s.seed.nonce()
	payloads := []isakmp.Payload{
		&isakmp.KeyExchange{Data: ev.Key.Public()},
		&isakmp.Nonce{Data: nonce},
	}
	if s.cfg.Role == Initiator {
		s.exchange.publicI, s.exchange.nonceI = ev.Key.Public(), nonce
		s.state = AwaitKE
		s.sendClear(3, append(payloads, s.natDiscovery(s.path)...))
		return
	}
	s.exchange.publicR, s.exchange.nonceR = ev.Key.Public(), nonce
	s.state = ComputingSecret
	payloads = append(payloads, s.certificateRequests()...)
	if s.sendClear(4, append(payloads, s.natDiscovery(s.path)...)) {
		s.computeSecret(s.exchange.publicI)
	}
}

// takeMessage4 reads the responder's public value and asks for the secret.
func (s *SA) takeMessage4(d Datagram, h isakmp.Header) {
	payloads, public, nonce, ok := s.readKeyExchange(d, h)
	if !ok {
		return
	}
	if bytes.Equal(public, s.exchange.publicI) {
		s.reject(d, h, errors.New("the peer sent our own public value back"))
		return
	}
	s.progress(d.Data)
	s.traceReceived(4, h, d.Path, payloads)
	s.learnVendors(payloads)
	s.exchange.publicR, s.exchange.nonceR = public, nonce
	s.discoverNAT(payloads, d.Path)
	s.float()
	s.state = ComputingSecret
	s.computeSecret(public)
}

// computeSecret asks for the secret and lets the key go: the SA may end, and wipe
// what it has, while somebody computes with it.
func (s *SA) computeSecret(peer []byte) {
	s.emit(ComputeSecret{Key: s.key, Peer: peer})
	s.key = nil
}

// readKeyExchange takes message 3 or 4 apart.
func (s *SA) readKeyExchange(d Datagram, h isakmp.Header) (payloads []isakmp.Payload, public, nonce []byte, ok bool) {
	payloads, ke, ok := clear1[*isakmp.KeyExchange](s, d, h)
	if !ok {
		return nil, nil, nil, false
	}
	n, ok := only[*isakmp.Nonce](payloads)
	if !ok {
		s.reject(d, h, errors.New("the message has not exactly one nonce"))
		return nil, nil, nil, false
	}
	if want := s.transform.Group.PublicSize(); len(ke.Data) != want {
		s.reject(d, h, fmt.Errorf("the message has a public value of %d bytes: %v has %d", len(ke.Data), s.transform.Group, want))
		return nil, nil, nil, false
	}
	return payloads, ke.Data, n.Data, true
}

// haveSecret derives the keys.
func (s *SA) haveSecret(ev SharedSecret) {
	if s.state != ComputingSecret {
		clear(ev.Secret) // too late
		return
	}
	if ev.Err != nil {
		s.fail(fmt.Errorf("the Diffie-Hellman exchange failed: %w", ev.Err))
		return
	}
	var psk []byte
	if s.transform.Auth == suite.PresharedKey {
		// A responder knows its peer only by the address here: the first
		// policy for that address gives the key (RFC 2409, 5.4).
		psk = s.candidates[0].PSK
	}
	s.keys = deriveKeys(&s.exchange, s.transform, ev.Secret, psk)
	clear(ev.Secret)
	var err error
	if s.chain, err = newChain(&s.exchange, s.keys, s.transform); err != nil {
		s.fail(err)
		return
	}
	if s.cfg.Role == Responder {
		s.state = AwaitAuth
		if p := s.pending; p != nil {
			s.pending = nil
			if h, err := isakmp.ParseHeader(p.Data); err == nil {
				s.takeMessage5(*p, h)
			}
		}
		return
	}
	s.authenticate(s.keys.hashI(&s.exchange, s.policy.LocalID))
}

// authenticate sends our side of the authentication, by way of a signature where
// the transform wants one.
func (s *SA) authenticate(hash []byte) {
	if s.transform.Auth == suite.PresharedKey {
		s.sendAuth(&isakmp.Hash{Data: hash})
		return
	}
	s.state = Signing
	s.emit(Sign{Policy: s.policy, Hash: hash})
}

// haveSignature goes on with our signature.
func (s *SA) haveSignature(ev Signed) {
	if s.state != Signing {
		return
	}
	if ev.Err != nil {
		err := fmt.Errorf("signing with the key of %q failed: %w", s.policy.Name, ev.Err)
		if s.cfg.Role == Responder {
			s.refuse(isakmp.AuthenticationFailed, err)
			return
		}
		s.fail(err)
		return
	}
	s.sendAuth(&isakmp.Signature{Data: ev.Signature})
}

// sendAuth sends message 5 or 6.
func (s *SA) sendAuth(proof isakmp.Payload) {
	id := s.policy.LocalID
	payloads := []isakmp.Payload{&id}
	if s.transform.Auth != suite.PresharedKey {
		for _, der := range s.policy.Chain {
			payloads = append(payloads, &isakmp.Certificate{Encoding: isakmp.CertX509Signature, Data: der})
		}
	}
	payloads = append(payloads, proof)
	if s.cfg.Role == Responder {
		if s.sendSealed(6, payloads) {
			s.establish()
		}
		return
	}
	payloads = append(payloads, s.certificateRequests()...)
	if s.cfg.InitialContact {
		payloads = append(payloads, s.notification(isakmp.InitialContact, nil))
	}
	s.state = AwaitAuth
	s.sendSealed(5, payloads)
}

// certificateRequests names the authorities that we accept, as they stand in a
// certificate's issuer (RFC 2408, 3.10).
func (s *SA) certificateRequests() []isakmp.Payload {
	if s.transform.Auth == suite.PresharedKey {
		return nil
	}
	var names [][]byte
	for _, p := range s.candidates {
		for _, name := range p.Authorities {
			if len(names) < maxAuthorities && !contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		names = [][]byte{nil} // any authority
	}
	requests := make([]isakmp.Payload, 0, len(names))
	for _, name := range names {
		requests = append(requests, &isakmp.CertificateRequest{Encoding: isakmp.CertX509Signature, Authority: name})
	}
	return requests
}

func contains(list [][]byte, b []byte) bool {
	for _, have := range list {
		if bytes.Equal(have, b) {
			return true
		}
	}
	return false
}

// takeMessage6 reads the responder's authentication.
func (s *SA) takeMessage6(d Datagram, h isakmp.Header) {
	a, ok := s.openAuth(d, h)
	if !ok {
		return
	}
	s.traceReceived(6, h, d.Path, a.payloads)
	if !s.policy.MatchID(a.id) {
		s.refuse(isakmp.InvalidIDInformation, fmt.Errorf("the peer says it is %s, which is not whom %q is for", s.cfg.Describe(a.id), s.policy.Name))
		return
	}
	s.judge(a, s.keys.hashR(&s.exchange, a.id))
}
