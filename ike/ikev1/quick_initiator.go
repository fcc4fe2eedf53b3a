package ikev1

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"keyman/ike/isakmp"
)

// negotiate begins a quick mode.
func (s *SA) negotiate(ev Negotiate) {
	fail := func(err error) { s.emit(ChildFailed{SPI: ev.SPI, Role: Initiator, Err: err}) }
	switch {
	case s.state != StateEstablished:
		fail(ErrPhase1Ended)
		return
	case ev.SPI < isakmp.MinIPsecSPI:
		fail(fmt.Errorf("the SPI %d is reserved", ev.SPI))
		return
	case len(s.quick.used) >= maxExchanges:
		fail(ErrPhase1Ended)
		s.endWorn()
		return
	}
	if err := ev.Policy.validate(); err != nil {
		fail(fmt.Errorf("the policy %q: %w", ev.Policy.Name, err))
		return
	}
	q := &quick{
		role: Initiator, policy: ev.Policy, spi: ev.SPI, began: s.now,
		local: orHost(ev.Policy.Local, s.path.Local.Addr()), remote: orHost(ev.Policy.Remote, s.path.Remote.Addr()),
		deadline: s.now.Add(s.cfg.Timing.Deadline),
	}
	for q.id == 0 || s.usedID(q.id) {
		q.id = s.seed.messageID()
	}
	q.iv = s.chain.informationalIV(s.chain.last, q.id)
	q.nonces.nonceI = s.seed.nonce()
	s.quick.add(q)
	if group := ev.Policy.groups()[0]; group != 0 {
		q.state = quickMakingKey
		s.emit(GenerateKey{Group: group, Exchange: q.id})
		return
	}
	s.sendQuick1(q)
}

// orHost stands a host in where an identity names no addresses.
func orHost(id isakmp.Identification, host netip.Addr) isakmp.Identification {
	if id.IDType != 0 {
		return id
	}
	whole := isakmp.AddrID(host)
	whole.Protocol, whole.Port = id.Protocol, id.Port
	return *whole
}

// usedID reports whether a quick mode has had a message ID.
func (s *SA) usedID(id uint32) bool {
	_, used := s.quick.used[id]
	return used
}

// endWorn ends an SA that has negotiated as much as it may.
func (s *SA) endWorn() {
	s.sendDelete()
	s.end(StateClosed)
	s.emit(Closed{Reason: fmt.Sprintf("%d exchanges are enough for one phase 1", maxExchanges), KeepChildren: true})
}

// sendQuick1 sends message 1.
func (s *SA) sendQuick1(q *quick) {
	q.offer = newChildOffer(q.policy, q.spi, s.nat.Found())
	payloads := []isakmp.Payload{q.offer, &isakmp.Nonce{Data: q.nonces.nonceI}}
	if q.public != nil {
		payloads = append(payloads, &isakmp.KeyExchange{Data: q.public})
	}
	local, remote := q.local, q.remote
	q.ids = []isakmp.Payload{&local, &remote}
	payloads = append(payloads, q.ids...)
	payloads = append(payloads, s.originalAddresses(q)...)
	data, err := s.sealQuick(q, payloads)
	if err != nil {
		s.failQuick(q, err)
		return
	}
	q.state = quickAwaitReply
	s.sendQuick(q, 1, data, payloads, true)
}

// takeQuick2 reads the responder's choice.
func (s *SA) takeQuick2(q *quick, m message) {
	payloads, err := s.openQuick(m, q.iv, q.nonces.nonceI)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	s.advanceQuick(q, m)
	s.traceQuick(2, m, payloads)
	q.commit = m.header.Flags&isakmp.FlagCommit != 0
	if notify, err := s.readQuick2(q, payloads); err != nil {
		s.refuseQuick(q, notify, err)
		return
	}
	if q.public == nil {
		s.confirmQuick(q)
		return
	}
	q.state = quickComputing
	s.emit(ComputeSecret{Key: q.key, Peer: q.peer, Exchange: q.id})
	q.key = nil
}

// readQuick2 takes message 2 apart.
func (s *SA) readQuick2(q *quick, payloads []isakmp.Payload) (isakmp.NotifyType, error) {
	answer, nonce, public, err := quickPayloads(payloads)
	if err != nil {
		return isakmp.PayloadMalformed, err
	}
	if q.choice, err = confirmChild(answer, q.offer, q.policy); err != nil {
		return isakmp.NoProposalChosen, err
	}
	if group := q.choice.offers[0].Group; len(public) != group.PublicSize() {
		return isakmp.InvalidKeyInformation, fmt.Errorf("the peer's public value has %d bytes: %v has %d", len(public), group, group.PublicSize())
	}
	// RFC 2409, 5.5: the responder does not change what is to be protected.
	if !slices.EqualFunc(isakmp.All[*isakmp.Identification](payloads), isakmp.All[*isakmp.Identification](q.ids), sameID) {
		return isakmp.InvalidIDInformation, errors.New("the peer changed the identities of the traffic")
	}
	if public != nil && bytes.Equal(public, q.public) {
		return isakmp.InvalidKeyInformation, errOwnKey
	}
	q.nonces.nonceR, q.peer = nonce, public
	s.takeOriginalAddresses(q, payloads)
	s.takeQuickNotes(q, payloads)
	return 0, nil
}

// sameID reports whether two identities are the same to the byte.
func sameID(a, b *isakmp.Identification) bool { return bytes.Equal(a.Body(), b.Body()) }

// confirmQuick derives the keys and sends message 3: HASH(3) = prf(SKEYID_a, 0 |
// M-ID | Ni_b | Nr_b).
func (s *SA) confirmQuick(q *quick) {
	q.sa = s.childSA(q)
	hash := s.keys.hash.MAC(s.keys.a, []byte{0}, spiBytes(q.id), q.nonces.nonceI, q.nonces.nonceR)
	data, err := s.sealHashed(q, []isakmp.Payload{&isakmp.Hash{Data: hash}})
	if err != nil {
		s.failQuick(q, err)
		return
	}
	if q.commit {
		q.state = quickAwaitConnected
		s.emit(ChildReady{SA: q.sa})
		s.sendQuick(q, 3, data, nil, true)
		return
	}
	// The keys are in place before the responder learns that it may use them.
	s.finishQuick(q)
	s.sendQuick(q, 3, data, nil, false)
}

// takeQuick4 takes CONNECTED as a message of the exchange itself, which is how
// some peers send it.
func (s *SA) takeQuick4(q *quick, m message) {
	payloads, err := s.openQuick(m, q.iv)
	if err != nil {
		s.ignore(m.Path, m.header, err.Error())
		return
	}
	if !slices.ContainsFunc(isakmp.All[*isakmp.Notification](payloads), func(n *isakmp.Notification) bool { return n.NotifyType == isakmp.Connected }) {
		s.ignore(m.Path, m.header, "message 4 of quick mode does not say CONNECTED")
		return
	}
	s.advanceQuick(q, m)
	s.finishQuick(q)
}
