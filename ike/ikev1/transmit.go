package ikev1

import (
	"crypto/sha256"
	"time"

	"keyman/ike/isakmp"
)

// A flight is the last message that an SA sent to be established, kept for
// retransmission.
type flight struct {
	number    int               // of the message in its exchange; 0 for a notification that refused
	answers   [sha256.Size]byte // the digest of the peer's message before it
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

// sendClear sends a message of phase 1 that is not encrypted.
func (s *SA) sendClear(number int, payloads []isakmp.Payload) bool {
	m := isakmp.Message{Header: s.header(s.cfg.Mode, 0), Payloads: payloads}
	data, err := m.Marshal()
	if err != nil {
		s.fail(err)
		return false
	}
	return s.sendFlight(number, s.cfg.Mode, data, payloads)
}

// sendSealed sends an encrypted message of phase 1 and moves the chain on.
func (s *SA) sendSealed(number int, payloads []isakmp.Payload) bool {
	data, err := s.chain.seal(s.header(s.cfg.Mode, 0), s.chain.last, payloads)
	if err != nil {
		s.fail(err)
		return false
	}
	s.chain.advance(data)
	return s.sendFlight(number, s.cfg.Mode, data, payloads)
}

// sendFlight sends a message that will be sent again until it is answered (by
// an initiator) or whenever it is asked for (by a responder).
func (s *SA) sendFlight(number int, x isakmp.ExchangeType, data []byte, payloads []isakmp.Payload) bool {
	datagrams, err := s.split(data)
	if err != nil {
		s.fail(err)
		return false
	}
	s.sent = flight{number: number, answers: s.accepted, exchange: x, datagrams: datagrams, interval: s.cfg.Timing.Retransmit}
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
