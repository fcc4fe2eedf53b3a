package ikev1

import (
	"errors"
	"fmt"
	"net/netip"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// refuseQuick fails an exchange and tells the peer, naming its SPI, so that it
// knows which exchange is meant. It is repeated when the peer repeats its message.
func (s *SA) refuseQuick(q *quick, notify isakmp.NotifyType, err error) {
	n := &isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolESP, NotifyType: notify}
	if sa := q.offer; q.role == Responder && sa != nil {
		n.Protocol, n.SPI = sa.Proposals[0].Protocol, sa.Proposals[0].SPI
	} else if q.choice != nil {
		n.Protocol, n.SPI = q.choice.offers[0].Protocol, spiBytes(q.choice.peerSPI[0])
	}
	if data, serr := s.sealInformational(n); serr == nil {
		q.sent = flight{exchange: isakmp.Informational, datagrams: [][]byte{data}, payloads: []isakmp.PayloadType{isakmp.PayloadHash, n.Type()}}
		s.transmitQuick(q, TraceSent)
	}
	s.failQuick(q, err)
}

// quickNotified takes an authenticated notification about phase 2.
func (s *SA) quickNotified(n *isakmp.Notification, m message) {
	switch {
	case n.NotifyType == isakmp.Connected:
		// RFC 2408, 3.1: under the message ID of the exchange it ends.
		if q := s.quick.find(m.header.MessageID); q != nil && q.role == Initiator && q.state == quickAwaitConnected {
			s.finishQuick(q)
		}
	case n.NotifyType == isakmp.ResponderLifetime:
		s.responderLives(n)
	case n.NotifyType == isakmp.InvalidSPI && n.Protocol != isakmp.ProtocolISAKMP:
		s.farewellHeard(n)
	case n.NotifyType.IsError():
		s.quickRefused(n)
	}
}

// quickRefused acts on the peer's refusal. One that names our SPI is about its
// exchange; one that names none may be about any that wait, and counts if they get
// no further.
func (s *SA) quickRefused(n *isakmp.Notification) {
	spi, named := readSPI(n.SPI)
	for _, q := range s.quick.live {
		switch waits := q.state == quickAwaitReply || q.state == quickAwaitConfirm || q.state == quickAwaitConnected; {
		case !waits:
		case named && spi == q.spi:
			s.failQuick(q, quickRefusal(n.NotifyType, q))
			return
		case !named && q.state == quickAwaitReply && q.patience.IsZero():
			q.doubt = quickRefusal(n.NotifyType, q)
			q.patience = s.now.Add(s.cfg.Timing.ErrorPatience)
		}
	}
}

// quickRefusal says what a peer commonly means by an error.
func quickRefusal(n isakmp.NotifyType, q *quick) error {
	text := fmt.Sprintf("the peer refused: %v", n)
	switch {
	case n == isakmp.NoProposalChosen && q.role == Initiator:
		text += ": it accepts nothing of what was offered, " + joinOr(q.policy.describe(false))
	case n == isakmp.InvalidIDInformation && q.role == Initiator:
		text += ": it knows no tunnel for the traffic that we want to protect"
	}
	return errors.New(text)
}

// joinOr lists alternatives.
func joinOr(words []string) string {
	text := ""
	for i, w := range words {
		if i > 0 {
			text += "; or "
		}
		text += w
	}
	return text
}

// sendConnected tells the initiator that the SA may be used (RFC 2408, 3.1).
func (s *SA) sendConnected(q *quick, protocol isakmp.Protocol, spi uint32) {
	n := &isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: protocol, NotifyType: isakmp.Connected, SPI: spiBytes(spi)}
	data, err := s.sealInformationalAs(q.id, n)
	if err != nil {
		return
	}
	q.sent = flight{exchange: isakmp.Informational, datagrams: [][]byte{data}, payloads: []isakmp.PayloadType{isakmp.PayloadHash, n.Type()}}
	s.transmitQuick(q, TraceSent)
}

// responderLifetime makes the notifications that tell an initiator that the SAs
// live shorter than it offered: one a protocol (RFC 2407, 4.6.3.1).
func (s *SA) responderLifetime(q *quick) []isakmp.Payload {
	if !q.choice.cut {
		return nil
	}
	data, err := isakmp.MarshalAttributes(suite.LifeAttributes(q.choice.lifetime, q.choice.kilobytes))
	if err != nil {
		return nil
	}
	var all []isakmp.Payload
	for i, o := range q.choice.offers {
		all = append(all, &isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: o.Protocol, NotifyType: isakmp.ResponderLifetime,
			SPI: spiBytes(q.choice.peerSPI[i]), Data: data})
	}
	return all
}

// takeQuickNotes reads the notifications inside message 1 or 2.
func (s *SA) takeQuickNotes(q *quick, payloads []isakmp.Payload) {
	for _, n := range isakmp.All[*isakmp.Notification](payloads) {
		if n.NotifyType == isakmp.ResponderLifetime && q.role == Initiator {
			q.choice.shorten(n)
		}
	}
}

// shorten takes over the responder's lifetime where it is shorter than ours.
func (c *childChoice) shorten(n *isakmp.Notification) {
	as, err := isakmp.ParseAttributes(n.Data)
	if err != nil {
		return
	}
	if lifetime, kilobytes, err := suite.LifetimeFrom(as); err == nil {
		c.keep(lifetime, kilobytes)
	}
}

// responderLives takes RESPONDER-LIFETIME in a message of its own: for an exchange
// under way, or for SAs that are up, which are their owner's matter.
func (s *SA) responderLives(n *isakmp.Notification) {
	spi, ok := readSPI(n.SPI)
	if !ok {
		return
	}
	for _, q := range s.quick.live {
		if q.spi == spi && q.choice != nil {
			q.choice.shorten(n)
			return
		}
	}
	var c childChoice
	if c.shorten(n); c.lifetime != 0 || c.kilobytes != 0 {
		s.emit(ChildLife{SPI: spi, Lifetime: c.lifetime, LifeKB: c.kilobytes})
	}
}

// OriginalAddresses are the addresses of both ends as they were before a NAT,
// zero where nobody said (RFC 3947, 5.2). Transport mode needs them to mend the
// checksums of what is carried.
type OriginalAddresses struct {
	Peer netip.Addr // the peer's, as the peer sees it
	Own  netip.Addr // ours, as the peer sees it
}

// originalAddresses returns our NAT-OA payloads, the initiator's address first: for
// transport mode behind a NAT.
func (s *SA) originalAddresses(q *quick) []isakmp.Payload {
	if !s.nat.Found() {
		return nil
	}
	transport := false
	for _, p := range q.policy.Proposals {
		for _, o := range p.ESP {
			transport = transport || o.Encapsulation.Transport()
		}
	}
	if !transport {
		return nil
	}
	i, r := s.path.Local.Addr(), s.path.Remote.Addr()
	if q.role == Responder {
		i, r = r, i
	}
	return []isakmp.Payload{&isakmp.NATOriginalAddress{Address: i.Unmap()}, &isakmp.NATOriginalAddress{Address: r.Unmap()}}
}

// takeOriginalAddresses reads the peer's NAT-OA payloads. An initiator behind a NAT
// names itself by the address that it knows of: that is the host at the other end,
// whatever we call it.
func (s *SA) takeOriginalAddresses(q *quick, payloads []isakmp.Payload) {
	oa := isakmp.All[*isakmp.NATOriginalAddress](payloads)
	if !s.nat.Found() || len(oa) != 2 {
		return
	}
	i, r := oa[0].Address, oa[1].Address
	if q.role == Initiator {
		q.origin = OriginalAddresses{Peer: r, Own: i}
		return
	}
	q.origin = OriginalAddresses{Peer: i, Own: r}
	q.remote = renamed(q.remote, i, s.path.Remote.Addr())
	q.local = renamed(q.local, r, s.path.Local.Addr())
}

// renamed calls a host by another address, where it is called by one.
func renamed(id isakmp.Identification, from, to netip.Addr) isakmp.Identification {
	if a, ok := id.Addr(); !ok || a != from {
		return id
	}
	return orHost(isakmp.Identification{Protocol: id.Protocol, Port: id.Port}, to)
}
