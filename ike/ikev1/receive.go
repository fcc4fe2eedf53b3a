package ikev1

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"keyman/ike/isakmp"
)

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
	m := message{d, h}
	switch {
	case h.Exchange == s.cfg.Mode && h.MessageID == 0:
		s.phase1(m)
	case s.lacksMessage3(m):
		s.remind(m)
	case h.Exchange == isakmp.Informational:
		s.informational(m)
	case h.Exchange == isakmp.QuickMode && s.hold(m):
	case h.Exchange == isakmp.QuickMode:
		s.quickMode(m)
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
		h.Responder.IsZero() && !s.proven && h.Next == isakmp.PayloadSA)
}

// lacksMessage3 reports whether the initiator of aggressive mode speaks as one that
// is done, while its message 3 is still missing.
func (s *SA) lacksMessage3(m message) bool {
	return s.aggressive() && s.cfg.Role == Responder && s.state == AwaitAuth && s.chain == nil && m.header.Encrypted()
}

// remind sends message 2 again, upon which message 3 comes again. Whoever makes us
// do it knows our cookie; how often is bounded all the same.
func (s *SA) remind(m message) {
	s.ignore(m.Path, m.header, "message 3 is missing")
	if s.unproven++; s.unproven <= maxInformational {
		s.transmit(TraceRetransmit)
	}
}

// maxHeld bounds the messages of quick mode that are held.
const maxHeld = 4

// hold keeps a message of quick mode until phase 1 is established, and reports
// whether it does. Who sends the last message of phase 1 is done before the peer,
// and may go on at once, while we compute or look at a certificate; without this
// its first message would be lost, and come again a second later.
func (s *SA) hold(m message) bool {
	waits := s.state == Verifying || s.Proven() && (s.state == ComputingSecret || s.state == Signing)
	if !waits || s.sendsLast() || !m.header.Encrypted() || len(s.held) >= maxHeld {
		return false
	}
	s.held = append(s.held, m)
	return true
}

// takeHeld goes on with the messages that were held.
func (s *SA) takeHeld() {
	held := s.held
	s.held = nil
	for _, m := range held {
		s.quickMode(m)
	}
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

// phase1 takes a whole message of the exchange that makes the SA.
func (s *SA) phase1(m message) {
	if s.repeated(m) {
		return
	}
	if s.cfg.Role == Responder && s.state != AwaitSA && m.header.Responder.IsZero() {
		s.ignore(m.Path, m.header, "a message 1 that differs from the first")
		return
	}
	s.takeMessage(m)
}

// repeated answers a message that was answered before, as a responder does, and
// who has sent the last message: an initiator that is not done sends its own
// messages again by the clock.
func (s *SA) repeated(m message) bool {
	digest := sha256.Sum256(m.Data)
	if s.accepted == ([sha256.Size]byte{}) || digest != s.accepted {
		return false
	}
	if (s.cfg.Role == Responder || s.state == StateEstablished) && s.sent.answers == digest && s.state != StateClosed {
		s.transmit(TraceRetransmit)
		return true
	}
	s.ignore(m.Path, m.header, "seen before")
	return true
}
