package ikev1

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"time"

	"keyman/ike/isakmp"
)

// A flight is the last message that an SA sent in main mode, kept for
// retransmission.
type flight struct {
	number    int // of the message in main mode; 0 for a notification that refused
	exchange  isakmp.ExchangeType
	payloads  []isakmp.PayloadType
	datagrams [][]byte
	interval  time.Duration // until the next retransmission
}

// header returns the header of a message of this SA.
func (s *SA) header(x isakmp.ExchangeType, messageID uint32) isakmp.Header {
	return isakmp.Header{
		Initiator: s.exchange.cookieI,
		Responder: s.exchange.cookieR,
		Version:   isakmp.Version,
		Exchange:  x,
		MessageID: messageID,
	}
}

// sendClear sends a main mode message that is not encrypted.
func (s *SA) sendClear(number int, payloads []isakmp.Payload) bool {
	m := isakmp.Message{Header: s.header(isakmp.IdentityProtection, 0), Payloads: payloads}
	data, err := m.Marshal()
	if err != nil {
		s.fail(err)
		return false
	}
	return s.sendFlight(number, isakmp.IdentityProtection, data, payloads)
}

// sendSealed sends an encrypted main mode message and moves the chain on.
func (s *SA) sendSealed(number int, payloads []isakmp.Payload) bool {
	data, err := s.chain.seal(s.header(isakmp.IdentityProtection, 0), s.chain.last, payloads)
	if err != nil {
		s.fail(err)
		return false
	}
	s.chain.advance(data)
	return s.sendFlight(number, isakmp.IdentityProtection, data, payloads)
}

// sendFlight sends a message that will be sent again until it is answered (by
// an initiator) or whenever it is asked for (by a responder).
func (s *SA) sendFlight(number int, x isakmp.ExchangeType, data []byte, payloads []isakmp.Payload) bool {
	datagrams, err := s.split(data)
	if err != nil {
		s.fail(err)
		return false
	}
	s.sent = flight{number: number, exchange: x, datagrams: datagrams, interval: s.cfg.Timing.Retransmit}
	for _, p := range payloads {
		s.sent.payloads = append(s.sent.payloads, p.Type())
	}
	s.transmit(TraceSent)
	if s.cfg.Role == Initiator && number != 0 {
		s.alarms.retransmit = s.now.Add(s.sent.interval)
	}
	return true
}

// split cuts a message that is too long for the path, where the peer can put it
// together again.
func (s *SA) split(data []byte) ([][]byte, error) {
	if !s.peer.fragmentation || len(data) <= s.cfg.FragmentSize {
		return [][]byte{data}, nil
	}
	s.seed.counter++ // keeps the fragment ID apart from nonces and message IDs
	return isakmp.Split(data, uint16(s.seed.counter), s.cfg.FragmentSize)
}

// transmit sends the last flight on the current path.
func (s *SA) transmit(kind TraceKind) {
	// Told before it goes out: in the log of both ends the answer comes later.
	s.emit(Trace{Kind: kind, Exchange: s.sent.exchange, Message: s.sent.number, Payloads: s.sent.payloads, Path: s.path})
	for _, d := range s.sent.datagrams {
		s.emit(Send{Path: s.path, Data: d})
	}
}

// retransmit sends the last flight again and waits longer for the next time.
func (s *SA) retransmit() {
	s.transmit(TraceRetransmit)
	s.sent.interval = s.backOff(s.sent.interval)
	s.alarms.retransmit = s.now.Add(s.sent.interval)
}

// backOff returns the interval after this one.
func (s *SA) backOff(interval time.Duration) time.Duration {
	t := &s.cfg.Timing
	return min(time.Duration(float64(interval)*t.Backoff), t.RetransmitMax)
}

// receive takes a datagram from the network.
func (s *SA) receive(d Datagram) {
	if s.state == Gone {
		return
	}
	h, err := isakmp.ParseHeader(d.Data)
	if err != nil {
		s.ignore(d.Path, h, err.Error())
		return
	}
	if !s.ours(h) {
		s.ignore(d.Path, h, "the cookies are of another SA")
		return
	}
	if s.elsewhere(d.Path) {
		s.ignore(d.Path, h, "it comes from another address than the negotiation")
		return
	}
	// The payloads point into the message, and the SA keeps some of them.
	d.Data = bytes.Clone(d.Data)
	if h.Next == isakmp.PayloadFragment {
		if d.Data, h, err = s.reassemble(d.Data); err != nil {
			s.ignore(d.Path, h, err.Error())
			return
		}
		if d.Data == nil {
			return
		}
		if !s.ours(h) || h.Next == isakmp.PayloadFragment {
			s.ignore(d.Path, h, "the fragments make a message of another SA")
			return
		}
	}
	switch {
	case h.Exchange == isakmp.IdentityProtection && h.MessageID == 0:
		s.mainMode(d, h)
	case h.Exchange == isakmp.Informational:
		s.informational(d, h)
	default:
		s.ignore(d.Path, h, "the exchange is not spoken here")
	}
}

// ours reports whether a header belongs to this SA (RFC 2408, 5.2).
func (s *SA) ours(h isakmp.Header) bool {
	x := &s.exchange
	if s.cfg.Role == Initiator {
		known := !x.cookieR.IsZero()
		return h.Initiator == x.cookieI && (known && h.Responder == x.cookieR ||
			!known && (s.state == AwaitSA || h.Exchange == isakmp.Informational))
	}
	if x.cookieI.IsZero() {
		return !h.Initiator.IsZero() && h.Responder.IsZero()
	}
	// Only a repeated message 1 need not know our cookie; what else leaves it
	// out has not seen it, and may bear anybody's address.
	return h.Initiator == x.cookieI && (h.Responder == x.cookieR ||
		h.Responder.IsZero() && s.state == AwaitKE && h.Next == isakmp.PayloadSA)
}

// elsewhere reports whether a message comes from another address than those
// before it. A NAT changes ports between the IKE ports, not addresses.
func (s *SA) elsewhere(p Path) bool {
	return s.path.Remote.IsValid() && p.Remote.Addr() != s.path.Remote.Addr()
}

// errFragmentAlone is a fragment that shares its message.
var errFragmentAlone = errors.New("a fragment stands beside other payloads")

// reassemble adds a fragment; the message is nil until it is whole.
func (s *SA) reassemble(data []byte) ([]byte, isakmp.Header, error) {
	m, err := isakmp.Parse(data)
	if err != nil {
		return nil, isakmp.Header{}, err
	}
	f, ok := isakmp.Find[*isakmp.Fragment](m.Payloads)
	if !ok || len(m.Payloads) != 1 {
		return nil, m.Header, errFragmentAlone
	}
	whole, err := s.fragments.Add(f)
	if err != nil || whole == nil {
		return nil, m.Header, err
	}
	s.fragments.Reset()
	h, err := isakmp.ParseHeader(whole)
	return whole, h, err
}

// mainMode takes a whole message of main mode.
func (s *SA) mainMode(d Datagram, h isakmp.Header) {
	if s.repeated(d, h) {
		return
	}
	if s.cfg.Role == Responder && s.state != AwaitSA && h.Responder.IsZero() {
		s.ignore(d.Path, h, "a message 1 that differs from the first")
		return
	}
	next, ok := s.flights()
	if !ok {
		s.ignore(d.Path, h, "no message of main mode is awaited while "+s.state.String())
		return
	}
	if h.Encrypted() != next.encrypted {
		s.ignore(d.Path, h, "encrypted where it should be clear, or clear where it should be encrypted")
		return
	}
	next.take(d, h)
}

// repeated answers a message that was answered before. Only a responder does:
// an initiator sends its own messages again by the clock.
func (s *SA) repeated(d Datagram, h isakmp.Header) bool {
	if s.accepted == ([sha256.Size]byte{}) || sha256.Sum256(d.Data) != s.accepted {
		return false
	}
	if s.cfg.Role == Responder && len(s.sent.datagrams) > 0 && s.answered() {
		s.transmit(TraceRetransmit)
		return true
	}
	s.ignore(d.Path, h, "seen before")
	return true
}

// answered reports whether the last flight answers the last accepted message.
func (s *SA) answered() bool {
	switch s.state {
	case AwaitKE, AwaitAuth, StateEstablished, StateFailed:
		return true
	case ComputingSecret:
		return s.cfg.Role == Responder // message 4 went out when the key was there
	}
	return false
}

// An awaited message of main mode.
type awaited struct {
	encrypted bool
	take      func(Datagram, isakmp.Header)
}

// flights returns the message that the state waits for.
func (s *SA) flights() (awaited, bool) {
	if s.cfg.Role == Initiator {
		switch s.state {
		case AwaitSA:
			return awaited{false, s.takeMessage2}, true
		case AwaitKE:
			return awaited{false, s.takeMessage4}, true
		case AwaitAuth:
			return awaited{true, s.takeMessage6}, true
		}
		return awaited{}, false
	}
	switch s.state {
	case AwaitSA:
		return awaited{false, s.takeMessage1}, true
	case AwaitKE:
		return awaited{false, s.takeMessage3}, true
	case ComputingSecret:
		return awaited{true, s.keepMessage5}, true
	case AwaitAuth:
		return awaited{true, s.takeMessage5}, true
	}
	return awaited{}, false
}
