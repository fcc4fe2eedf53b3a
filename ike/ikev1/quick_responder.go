package ikev1

import (
	"crypto/hmac"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
)

// respondQuick takes message 1 of a quick mode that the peer begins.
func (s *SA) respondQuick(m message) {
	iv := s.chain.informationalIV(s.chain.last, m.header.MessageID)
	payloads, err := s.openQuick(m, iv)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	open := 0
	for _, q := range s.quick.live {
		if q.role == Responder && !q.state.ended() {
			open++
		}
	}
	switch {
	case open >= maxQuickModes:
		s.ignore(m.Path, m.header, "the peer has too many quick modes under way")
		return
	case len(s.quick.used) >= maxExchanges:
		s.endWorn()
		return
	}
	q := &quick{id: m.header.MessageID, role: Responder, state: quickAwaitTerms, began: s.now, deadline: s.now.Add(s.cfg.Timing.Deadline)}
	s.quick.add(q)
	s.advanceQuick(q, m)
	s.traceQuick(1, m, payloads)
	if notify, err := s.readQuick1(q, payloads); err != nil {
		s.refuseQuick(q, notify, err)
		return
	}
	s.emit(ChildOffered{Exchange: q.id, Local: q.local, Remote: q.remote})
}

// quickPayloads finds what message 1 and 2 have in common: one SA, right behind the
// hash, one nonce, and a public value or none (RFC 2409, 5.5).
func quickPayloads(payloads []isakmp.Payload) (sa *isakmp.SA, nonce, public []byte, err error) {
	if len(payloads) == 0 {
		return nil, nil, nil, errors.New("nothing stands behind the hash")
	}
	sa, ok := payloads[0].(*isakmp.SA)
	if !ok || len(isakmp.All[*isakmp.SA](payloads)) != 1 {
		return nil, nil, nil, errors.New("not exactly one SA payload, or not right behind the hash")
	}
	n, ok := only[*isakmp.Nonce](payloads)
	if !ok {
		return nil, nil, nil, errors.New("not exactly one nonce")
	}
	switch ke := isakmp.All[*isakmp.KeyExchange](payloads); len(ke) {
	case 0:
	case 1:
		public = ke[0].Data
	default:
		return nil, nil, nil, errors.New("more than one public value")
	}
	return sa, n.Data, public, nil
}

// readQuick1 takes message 1 apart.
func (s *SA) readQuick1(q *quick, payloads []isakmp.Payload) (isakmp.NotifyType, error) {
	offer, nonce, public, err := quickPayloads(payloads)
	if err != nil {
		return isakmp.PayloadMalformed, err
	}
	q.offer, q.nonces.nonceI, q.peer = offer, nonce, public
	switch ids := isakmp.All[*isakmp.Identification](payloads); len(ids) {
	case 0:
		// RFC 2409, 5.5: without identities it is the two hosts.
		q.remote, q.local = *isakmp.AddrID(s.path.Remote.Addr()), *isakmp.AddrID(s.path.Local.Addr())
	case 2:
		q.remote, q.local = *ids[0], *ids[1]
		q.ids = []isakmp.Payload{ids[0], ids[1]}
	default:
		return isakmp.InvalidIDInformation, fmt.Errorf("%d identities, want both of the traffic or none", len(ids))
	}
	s.takeOriginalAddresses(q, payloads)
	return 0, nil
}

// errNoTraffic is traffic that nothing is defined for.
var errNoTraffic = errors.New("there is no phase 2 tunnel for the traffic that the peer wants to protect")

// haveTerms goes on with the policies for what a peer asks.
func (s *SA) haveTerms(ev Terms) {
	q := s.quick.find(ev.Exchange)
	if q == nil || q.state != quickAwaitTerms {
		return
	}
	q.spi = ev.SPI
	switch {
	case ev.Err != nil:
		s.refuseQuick(q, isakmp.NoProposalChosen, ev.Err)
		return
	case len(ev.Policies) == 0:
		s.refuseQuick(q, isakmp.InvalidIDInformation, errNoTraffic)
		return
	case ev.SPI < isakmp.MinIPsecSPI:
		s.refuseQuick(q, isakmp.NoProposalChosen, fmt.Errorf("the SPI %d is reserved", ev.SPI))
		return
	}
	var err error
	q.choice, err = chooseChild(childOffering{q.offer, len(q.peer), s.nat.Found(), q.spi}, ev.Policies)
	if err != nil {
		s.refuseQuick(q, isakmp.NoProposalChosen, err)
		return
	}
	q.policy = q.choice.policy
	q.commit = q.policy.Commit
	if group := q.choice.offers[0].Group; group != 0 {
		q.state = quickMakingKey
		s.emit(GenerateKey{Group: group, Exchange: q.id})
		return
	}
	s.answerQuick(q)
}

// answerQuick derives the keys and sends message 2, with our public value where
// there is one. Packets may come in under the keys from then on.
func (s *SA) answerQuick(q *quick) {
	q.nonces.nonceR = s.seed.nonce()
	payloads := []isakmp.Payload{q.choice.reply, &isakmp.Nonce{Data: q.nonces.nonceR}}
	if q.public != nil {
		payloads = append(payloads, &isakmp.KeyExchange{Data: q.public})
	}
	payloads = append(payloads, q.ids...)
	payloads = append(payloads, s.originalAddresses(q)...)
	payloads = append(payloads, s.responderLifetime(q)...)
	data, err := s.sealQuick(q, payloads, q.nonces.nonceI)
	if err != nil {
		s.refuseQuick(q, isakmp.NoProposalChosen, err)
		return
	}
	q.sa = s.childSA(q)
	q.state = quickAwaitConfirm
	s.emit(ChildReady{SA: q.sa})
	s.sendQuick(q, 2, data, payloads, true)
}

// takeQuick3 reads the initiator's confirmation.
func (s *SA) takeQuick3(q *quick, m message) {
	payloads, _, err := s.chain.open(m.Data, m.header, q.iv)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	hash, ok := payloads[0].(*isakmp.Hash)
	if !ok || !hmac.Equal(hash.Data, s.keys.hash.MAC(s.keys.a, []byte{0}, spiBytes(q.id), q.nonces.nonceI, q.nonces.nonceR)) {
		s.ignore(m.Path, m.header, "HASH(3) is wrong")
		return
	}
	s.advanceQuick(q, m)
	s.traceQuick(3, m, payloads[1:])
	commit, spi := q.commit, q.choice.peerSPI[0]
	protocol := q.choice.offers[0].Protocol
	q.sent = flight{}
	s.finishQuick(q)
	if commit {
		s.sendConnected(q, protocol, spi)
	}
}
