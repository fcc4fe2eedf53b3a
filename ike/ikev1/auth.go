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
	certificates [][]byte // DER, in the order of the message
	unread       []string // certificates that are not taken, and why
	proof        []byte   // the signature or the hash
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

// openAuth decrypts message 5 or 6 of main mode and moves the chain on. A message
// that does not decrypt changes nothing: anybody can send one.
func (s *SA) openAuth(m message) (*authentication, bool) {
	payloads, _, err := s.chain.open(m.Data, m.header, s.chain.last)
	var a *authentication
	if err == nil {
		a, err = readAuth(payloads, s.transform.Auth)
	}
	if err != nil {
		s.notUnderstood(m, errNotDecrypted{s.transform.Auth == suite.PresharedKey, err})
		return nil, false
	}
	s.progress(m.Data)
	s.chain.advance(m.Data)
	s.peerID, s.contact = a.id, s.hasInitialContact(payloads)
	return a, true
}

// notUnderstood drops a message that should authenticate the peer and does not. A
// responder says so, once in a state.
func (s *SA) notUnderstood(m message, err error) {
	s.reject(m, err)
	if s.cfg.Role == Responder && !s.notified {
		s.notified = true
		s.sendClearNotification(isakmp.PayloadMalformed)
	}
}

// readAuth takes the payloads of a message apart that says who its sender is and
// proves it.
func readAuth(payloads []isakmp.Payload, auth suite.AuthMethod) (*authentication, error) {
	id, err := readIdentity(payloads)
	if err != nil {
		return nil, err
	}
	a, err := readProof(payloads, auth)
	if err != nil {
		return nil, err
	}
	a.id = *id
	return a, nil
}

// readIdentity finds who a message says its sender is.
func readIdentity(payloads []isakmp.Payload) (*isakmp.Identification, error) {
	id, ok := only[*isakmp.Identification](payloads)
	if !ok {
		return nil, errors.New("not exactly one identification")
	}
	if !phase1Port(id) {
		return nil, fmt.Errorf("the identification is for protocol %d, port %d: phase 1 has 0 and 0, or UDP and the port of IKE", id.Protocol, id.Port)
	}
	return id, nil
}

// readProof finds the hash, or the signature and the certificates.
func readProof(payloads []isakmp.Payload, auth suite.AuthMethod) (*authentication, error) {
	a := &authentication{payloads: payloads}
	if auth == suite.PresharedKey {
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
	a.readCertificates(isakmp.All[*isakmp.Certificate](payloads))
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
			s.refuse(isakmp.AuthenticationFailed, errWrongHash)
			return
		}
		s.accept()
		return
	}
	if len(a.certificates) == 0 {
		s.refuse(isakmp.CertificateUnavailable, noCertificateError{s.cfg.Describe(a.id), a.unread})
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

// accept goes on with an authenticated peer: who sends the last message
// authenticates itself now, the other one is there.
func (s *SA) accept() {
	if s.sendsLast() {
		s.authenticate(s.ownHash())
		return
	}
	s.establish()
}

// ownHash is what authenticates us, or what we sign.
func (s *SA) ownHash() []byte {
	if s.cfg.Role == Initiator {
		return s.keys.hashI(&s.exchange, s.policy.LocalID)
	}
	return s.keys.hashR(&s.exchange, s.policy.LocalID)
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
		if s.cfg.Role == Responder || s.aggressive() {
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
	switch initiator := s.cfg.Role == Initiator; {
	case initiator && s.aggressive():
		s.sendAggressiveMessage3(proof)
	case s.aggressive():
		s.sendAggressiveMessage2(proof)
	case initiator:
		s.sendMainMessage5(proof)
	default:
		s.sendMainMessage6(proof)
	}
}

// authPayloads are who we are, our certificates and the proof.
func (s *SA) authPayloads(proof isakmp.Payload) []isakmp.Payload {
	id := s.policy.LocalID
	return append(append([]isakmp.Payload{&id}, s.certificates()...), proof)
}

// unexpectedPeerError is a responder with another identity than that of its
// tunnel.
func unexpectedPeerError(id, tunnel string) error {
	return hintedError{fmt.Errorf("the peer says it is %s, which is not whom %q is for", id, tunnel), hintPeer}
}

// unknownPeerError is an initiator whom nobody expects.
func unknownPeerError(id string) error {
	return hintedError{fmt.Errorf("the peer says it is %s, for whom there is no policy at this address", id), hintPeer}
}

// refuse fails the negotiation and tells the peer, under the keys that both
// sides hold. A responder repeats it when the peer repeats its message.
func (s *SA) refuse(notify isakmp.NotifyType, err error) {
	if data, serr := s.sealInformational(s.notification(notify, nil)); serr == nil {
		s.sendFlight(0, isakmp.Informational, data, []isakmp.Payload{&isakmp.Hash{}, &isakmp.Notification{}})
	}
	if !s.sendsLast() {
		// The peer holds an SA since it sent its last message.
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
