package ikev1

import (
	"crypto/hmac"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// only returns the payload of a type of which a message has exactly one.
func only[T isakmp.Payload](payloads []isakmp.Payload) (T, bool) {
	all := isakmp.All[T](payloads)
	if len(all) != 1 {
		var none T
		return none, false
	}
	return all[0], true
}

// clear1 parses a message that is not encrypted and has exactly one payload of
// type T.
func clear1[T isakmp.Payload](s *SA, m message) ([]isakmp.Payload, T, bool) {
	var none T
	parsed, err := isakmp.Parse(m.Data)
	if err != nil {
		s.reject(m, err)
		return nil, none, false
	}
	p, ok := only[T](parsed.Payloads)
	if !ok {
		s.reject(m, fmt.Errorf("the message has not exactly one %v payload", none.Type()))
		return nil, none, false
	}
	return parsed.Payloads, p, true
}

// reject drops a message that nobody has authenticated: it counts against the
// peer only if nothing better comes.
func (s *SA) reject(m message, err error) {
	s.ignore(m.Path, m.header, err.Error())
	s.suspect(err)
}

// notifyFor returns the notification that answers a message that does not parse.
func notifyFor(err error) isakmp.NotifyType {
	if e := (*isakmp.Error)(nil); errors.As(err, &e) {
		return e.Notify
	}
	return isakmp.PayloadMalformed
}

// authentication is what a message says that proves who its sender is.
type authentication struct {
	payloads     []isakmp.Payload
	id           isakmp.Identification
	certificates [][]byte
	proof        []byte // the signature or the hash
}

// errNotDecrypted hints at what is wrong when a message decrypts to nonsense.
type errNotDecrypted struct {
	psk bool
	err error
}

func (e errNotDecrypted) Error() string {
	if e.psk {
		return "the peer's message does not decrypt: the preshared keys differ, most likely"
	}
	return fmt.Sprintf("the peer's message does not decrypt: %v", e.err)
}

func (e errNotDecrypted) Unwrap() error { return e.err }

// openAuth decrypts message 5 or 6 and moves the chain on. A message that does
// not decrypt changes nothing: anybody can send one.
func (s *SA) openAuth(m message) (*authentication, bool) {
	payloads, _, err := s.chain.open(m.Data, m.header, s.chain.last)
	var a *authentication
	if err == nil {
		a, err = s.readAuth(payloads)
	}
	if err != nil {
		err = errNotDecrypted{s.transform.Auth == suite.PresharedKey, err}
		s.reject(m, err)
		if s.cfg.Role == Responder && !s.notified {
			s.notified = true
			s.sendClearNotification(isakmp.PayloadMalformed)
		}
		return nil, false
	}
	s.progress(m.Data)
	s.chain.advance(m.Data)
	s.peerID, s.contact = a.id, s.hasInitialContact(payloads)
	return a, true
}

// readAuth takes the payloads of message 5 or 6 apart.
func (s *SA) readAuth(payloads []isakmp.Payload) (*authentication, error) {
	a := &authentication{payloads: payloads}
	id, ok := only[*isakmp.Identification](payloads)
	if !ok {
		return nil, errors.New("not exactly one identification")
	}
	if !phase1Port(id) {
		return nil, fmt.Errorf("the identification is for protocol %d, port %d: phase 1 has 0 and 0, or UDP and the port of IKE", id.Protocol, id.Port)
	}
	a.id = *id
	if s.transform.Auth == suite.PresharedKey {
		hash, ok := only[*isakmp.Hash](payloads)
		if !ok {
			return nil, errors.New("not exactly one hash")
		}
		a.proof = hash.Data
		return a, nil
	}
	signature, ok := only[*isakmp.Signature](payloads)
	if !ok {
		return nil, errors.New("not exactly one signature")
	}
	a.proof = signature.Data
	for _, c := range isakmp.All[*isakmp.Certificate](payloads) {
		if c.Encoding == isakmp.CertX509Signature && len(a.certificates) < maxCertificates {
			a.certificates = append(a.certificates, c.Data)
		}
	}
	return a, nil
}

// phase1Port checks what RFC 2407, 4.6.2 wants of an identity in phase 1; peers
// behind a NAT write the port that they moved to.
func phase1Port(id *isakmp.Identification) bool {
	const udp, port, nattPort = 17, 500, 4500
	return id.Protocol == 0 && id.Port == 0 || id.Protocol == udp && (id.Port == port || id.Port == nattPort)
}

// judge decides about the peer's authentication, by way of a verdict where it
// is a signature.
func (s *SA) judge(a *authentication, hash []byte) {
	if s.transform.Auth == suite.PresharedKey {
		if !hmac.Equal(hash, a.proof) {
			s.refuse(isakmp.AuthenticationFailed, errors.New("the peer's hash is wrong: the preshared keys differ"))
			return
		}
		s.accept()
		return
	}
	if len(a.certificates) == 0 {
		s.refuse(isakmp.CertificateUnavailable, fmt.Errorf("the peer %s sent no X.509 certificate", s.cfg.Describe(a.id)))
		return
	}
	s.state = Verifying
	s.emit(Verify{Policy: s.policy, ID: a.id, Certificates: a.certificates, Hash: hash, Signature: a.proof})
}

// haveVerdict goes on with the verdict on the peer.
func (s *SA) haveVerdict(ev Verdict) {
	if ev.Err != nil {
		s.refuse(isakmp.AuthenticationFailed, ev.Err)
		return
	}
	s.accept()
}

// accept goes on with an authenticated peer: a responder authenticates itself,
// an initiator is there.
func (s *SA) accept() {
	if s.cfg.Role == Initiator {
		s.establish()
		return
	}
	s.authenticate(s.keys.hashR(&s.exchange, s.policy.LocalID))
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
	if s.state == Signing && ev.Err != nil {
		err := fmt.Errorf("signing with the key of %q failed: %w", s.policy.Name, ev.Err)
		if s.cfg.Role == Responder {
			s.refuse(isakmp.AuthenticationFailed, err)
			return
		}
		s.fail(err)
		return
	}
	s.take(onSignature, ev)
}

// sendSignature sends the message that our signature is for.
func (s *SA) sendSignature(ev Signed) { s.sendAuth(&isakmp.Signature{Data: ev.Signature}) }

// sendAuth sends the message that authenticates us.
func (s *SA) sendAuth(proof isakmp.Payload) {
	if s.cfg.Role == Responder {
		s.sendMainMessage6(proof)
		return
	}
	s.sendMainMessage5(proof)
}

// authPayloads are who we are, our certificates and the proof.
func (s *SA) authPayloads(proof isakmp.Payload) []isakmp.Payload {
	id := s.policy.LocalID
	payloads := []isakmp.Payload{&id}
	if s.transform.Auth != suite.PresharedKey {
		for _, der := range s.policy.Chain {
			payloads = append(payloads, &isakmp.Certificate{Encoding: isakmp.CertX509Signature, Data: der})
		}
	}
	return append(payloads, proof)
}

// unexpectedPeerError is a responder with another identity than that of its
// tunnel.
func unexpectedPeerError(id, tunnel string) error {
	return fmt.Errorf("the peer says it is %s, which is not whom %q is for", id, tunnel)
}

// unknownPeerError is an initiator whom nobody expects.
func unknownPeerError(id string) error {
	return fmt.Errorf("the peer says it is %s, for whom there is no policy at this address", id)
}

// refuse fails the negotiation and tells the peer, under the keys that both
// sides hold. A responder repeats it when the peer repeats its message.
func (s *SA) refuse(notify isakmp.NotifyType, err error) {
	if data, serr := s.sealInformational(s.notification(notify, nil)); serr == nil {
		s.sendFlight(0, isakmp.Informational, data, []isakmp.Payload{&isakmp.Hash{}, &isakmp.Notification{}})
	}
	if s.cfg.Role == Initiator {
		// The responder holds an SA since it sent message 6.
		s.sendDelete()
	}
	s.fail(err)
}

// traceReceived tells of a message that moved the negotiation on.
func (s *SA) traceReceived(number int, m message, payloads []isakmp.Payload) {
	t := Trace{Kind: TraceReceived, Exchange: m.header.Exchange, Message: number, Path: m.Path}
	for _, p := range payloads {
		t.Payloads = append(t.Payloads, p.Type())
	}
	s.emit(t)
}
