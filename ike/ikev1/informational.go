package ikev1

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// notification makes a notification about this SA: its SPI is both cookies
// (RFC 2407, 4.6.3).
func (s *SA) notification(t isakmp.NotifyType, data []byte) *isakmp.Notification {
	return &isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolISAKMP, NotifyType: t, SPI: s.spi(), Data: data}
}

// spi returns both cookies.
func (s *SA) spi() []byte {
	return append(append([]byte(nil), s.exchange.cookieI[:]...), s.exchange.cookieR[:]...)
}

// sendClearNotification tells the peer about an error before there are keys.
func (s *SA) sendClearNotification(t isakmp.NotifyType) {
	s.notifyInClear(s.exchange.cookieR, t)
}

// notifyInClear is sendClearNotification to a responder whose cookie is not that of
// the SA yet.
func (s *SA) notifyInClear(responder isakmp.Cookie, t isakmp.NotifyType) {
	n := s.notification(t, nil)
	copy(n.SPI[len(responder):], responder[:])
	m := isakmp.Message{Header: s.header(isakmp.Informational, s.seed.messageID()), Payloads: []isakmp.Payload{n}}
	m.Header.Responder = responder
	data, err := m.Marshal()
	if err != nil {
		return
	}
	s.emit(Send{Path: s.path, Data: data})
	s.emit(Trace{Kind: TraceSent, Exchange: isakmp.Informational, Payloads: []isakmp.PayloadType{n.Type()}, Path: s.path, Note: t.String()})
}

// sealInformational makes an informational message: HDR*, HASH(1), N/D with
// HASH(1) = prf(SKEYID_a, M-ID | N/D) (RFC 2409, 5.7).
func (s *SA) sealInformational(p isakmp.Payload) ([]byte, error) {
	id := s.seed.messageID()
	s.live.remember(id)
	return s.sealInformationalAs(id, p)
}

// sealInformationalAs is sealInformational under a message ID.
func (s *SA) sealInformationalAs(id uint32, p isakmp.Payload) ([]byte, error) {
	_, covered, err := isakmp.MarshalPayloads([]isakmp.Payload{p})
	if err != nil {
		return nil, err
	}
	hash := &isakmp.Hash{Data: s.informationalHash(id, covered)}
	return s.chain.seal(s.header(isakmp.Informational, id), s.chain.informationalIV(s.chain.last, id), []isakmp.Payload{hash, p})
}

// informationalHash is HASH(1) of RFC 2409, 5.7.
func (s *SA) informationalHash(messageID uint32, covered []byte) []byte {
	return s.keys.hash.MAC(s.keys.a, binary.BigEndian.AppendUint32(nil, messageID), covered)
}

// sendInformational sends an authenticated informational message, once.
func (s *SA) sendInformational(p isakmp.Payload, note string) {
	data, err := s.sealInformational(p)
	if err != nil {
		return
	}
	s.emit(Send{Path: s.path, Data: data})
	s.emit(Trace{Kind: TraceSent, Exchange: isakmp.Informational, Path: s.path, Note: note,
		Payloads: []isakmp.PayloadType{isakmp.PayloadHash, p.Type()}})
}

// deleteCopies is how often a DELETE is sent: nobody acknowledges it.
const deleteCopies = 3

// sendDelete tells the peer that this SA is no more (RFC 2408, 3.15).
func (s *SA) sendDelete() {
	for range deleteCopies {
		s.sendInformational(&isakmp.Delete{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolISAKMP, SPIs: [][]byte{s.spi()}}, "DELETE")
	}
}

// informational takes a message of the informational exchange.
func (s *SA) informational(m message) {
	if s.state.ended() {
		return
	}
	if !m.header.Encrypted() {
		s.unauthenticated(m)
		return
	}
	if s.chain == nil {
		s.ignore(m.Path, m.header, "encrypted before there are keys")
		return
	}
	if s.live.ours(m.header.MessageID) {
		s.ignore(m.Path, m.header, "our own message came back")
		return
	}
	payloads, err := s.openInformational(m)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	for _, p := range payloads[1:] {
		switch p := p.(type) {
		case *isakmp.Notification:
			s.notifiedBy(p, m)
		case *isakmp.Delete:
			s.deletedBy(p, m)
		}
		if s.state.ended() {
			return
		}
	}
	s.confirmed()
}

// openInformational decrypts and authenticates an informational message. It may
// have been encrypted before the peer saw our last message of main mode.
func (s *SA) openInformational(m message) ([]isakmp.Payload, error) {
	for _, base := range [...][]byte{s.chain.last, s.chain.before} {
		payloads, plain, err := s.chain.open(m.Data, m.header, s.chain.informationalIV(base, m.header.MessageID))
		if err != nil {
			continue
		}
		hash, ok := payloads[0].(*isakmp.Hash)
		if !ok || len(payloads) < 2 {
			continue
		}
		if hmac.Equal(hash.Data, s.informationalHash(m.header.MessageID, afterFirst(plain, len(payloads)))) {
			return payloads, nil
		}
	}
	return nil, errors.New("the informational message is not authentic")
}

// afterFirst returns the bytes of the n payloads of a chain that parsed, without
// the first one and without the padding.
func afterFirst(plain []byte, n int) []byte {
	const lengthAt = 2 // of the generic payload header (RFC 2408, 3.2)
	end, start := 0, 0
	for i := range n {
		end += int(binary.BigEndian.Uint16(plain[end+lengthAt:]))
		if i == 0 {
			start = end
		}
	}
	return plain[start:end]
}

// unauthenticated takes an error that anybody may have sent. It is believed only
// if nothing better comes.
func (s *SA) unauthenticated(m message) {
	if s.state == StateEstablished {
		s.ignore(m.Path, m.header, "not authenticated")
		return
	}
	if s.unproven++; s.unproven > maxInformational {
		return
	}
	parsed, err := isakmp.Parse(m.Data)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	for _, n := range isakmp.All[*isakmp.Notification](parsed.Payloads) {
		s.emit(Trace{Kind: TraceNotification, Exchange: m.header.Exchange, Path: m.Path, Note: n.NotifyType.String() + " (not authenticated)"})
		if n.NotifyType.IsError() {
			s.suspect(hintedError{fmt.Errorf("the peer answered %v (not authenticated)%s", n.NotifyType, s.meaning(n.NotifyType)), s.advice(n.NotifyType)})
		}
	}
}

// meaning says what a peer commonly means by an error, as far as the state of the
// negotiation tells.
func (s *SA) meaning(n isakmp.NotifyType) string {
	switch {
	case n == isakmp.NoProposalChosen && s.policy != nil:
		return ": it accepts nothing of what was offered, " + describeAll(s.policy.Transforms)
	case n == isakmp.PayloadMalformed && s.chain != nil && s.transform.Auth == suite.PresharedKey:
		return ": it could not decrypt, so the preshared keys differ, most likely"
	case n == isakmp.AuthenticationFailed && s.transform.Auth == suite.PresharedKey:
		return ": the preshared keys differ, most likely"
	case n == isakmp.AuthenticationFailed:
		return ": it did not accept our certificate; its log says why"
	case n == isakmp.InvalidIDInformation:
		return ": it knows no tunnel for the identity that we claim"
	}
	return ""
}

// notifiedBy acts on an authenticated notification.
func (s *SA) notifiedBy(n *isakmp.Notification, m message) {
	s.emit(Trace{Kind: TraceNotification, Exchange: m.header.Exchange, Path: m.Path, Note: n.NotifyType.String()})
	switch {
	case n.NotifyType == isakmp.RUThere && s.state == StateEstablished:
		s.answerProbe(n)
	case n.NotifyType == isakmp.InitialContact:
		s.contact = true
	case s.state == StateEstablished && (n.Protocol != isakmp.ProtocolISAKMP || !n.NotifyType.IsError() || !s.unconfirmed()):
		s.quickNotified(n, m)
	case n.NotifyType.IsError() && s.state == StateEstablished:
		// The peer refused our last message.
		s.end(StateClosed)
		s.emit(Closed{Reason: fmt.Sprintf("the peer refused: %v", n.NotifyType)})
	case n.NotifyType.IsError() && s.state != StateEstablished:
		err := hintedError{fmt.Errorf("the peer refused: %v%s", n.NotifyType, s.meaning(n.NotifyType)), s.advice(n.NotifyType)}
		if s.peer.keyman {
			// keyman refuses once its verdict stands, and keeps to it.
			s.fail(err)
			return
		}
		s.suspect(err)
	}
}

// deletedBy acts on an authenticated DELETE.
func (s *SA) deletedBy(p *isakmp.Delete, m message) {
	if p.Protocol != isakmp.ProtocolISAKMP {
		s.childDeleted(p)
		return
	}
	for _, spi := range p.SPIs {
		if string(spi) != string(s.spi()) {
			continue
		}
		s.emit(Trace{Kind: TraceNotification, Exchange: m.header.Exchange, Path: m.Path, Note: "DELETE"})
		if s.state == StateEstablished {
			s.end(StateClosed)
			s.emit(Closed{Reason: "deleted by the peer", KeepChildren: true})
			return
		}
		s.suspect(errors.New("the peer deleted the SA during the negotiation"))
		return
	}
}

// hasInitialContact reports whether message 5 or 6 says INITIAL-CONTACT.
func (s *SA) hasInitialContact(payloads []isakmp.Payload) bool {
	for _, n := range isakmp.All[*isakmp.Notification](payloads) {
		if n.NotifyType == isakmp.InitialContact {
			return true
		}
	}
	return false
}
