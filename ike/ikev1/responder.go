package ikev1

import (
	"bytes"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// takeMessage1 chooses among what the initiator offers.
func (s *SA) takeMessage1(d Datagram, h isakmp.Header) {
	s.exchange.cookieI = h.Initiator
	s.path = d.Path
	s.began = s.now
	s.alarms.deadline = s.now.Add(min(s.cfg.Timing.HalfOpen, s.cfg.Timing.Deadline))
	m, err := isakmp.Parse(d.Data)
	if err != nil {
		s.decline(notifyFor(err), err)
		return
	}
	offer, ok := only[*isakmp.SA](m.Payloads)
	if !ok || m.Payloads[0] != isakmp.Payload(offer) {
		// RFC 2409, 5: the SA payload stands first.
		s.decline(isakmp.PayloadMalformed, errors.New("message 1 does not begin with its one SA payload"))
		return
	}
	c, err := choose(offer, s.candidates)
	if err != nil {
		s.decline(isakmp.NoProposalChosen, err)
		return
	}
	s.progress(d.Data)
	s.traceReceived(1, h, d.Path, m.Payloads)
	s.exchange.sa = offer.Raw
	s.transform, s.candidates = c.transform, c.policies
	s.learnVendors(m.Payloads)
	s.state = AwaitKE
	s.sendClear(2, append([]isakmp.Payload{c.reply}, vendorIDs()...))
}

// decline answers message 1 with an error; a repeated one is declined anew.
func (s *SA) decline(notify isakmp.NotifyType, err error) {
	s.sendClearNotification(notify)
	s.fail(err)
}

// takeMessage3 reads the initiator's public value and asks for a key of our own.
func (s *SA) takeMessage3(d Datagram, h isakmp.Header) {
	payloads, public, nonce, ok := s.readKeyExchange(d, h)
	if !ok {
		return
	}
	s.progress(d.Data)
	s.alarms.deadline = s.began.Add(s.cfg.Timing.Deadline)
	s.traceReceived(3, h, d.Path, payloads)
	s.path = d.Path
	s.learnVendors(payloads)
	s.exchange.publicI, s.exchange.nonceI = public, nonce
	s.discoverNAT(payloads, d.Path)
	s.state = MakingKey
	s.emit(GenerateKey{Group: s.transform.Group})
}

// keepMessage5 holds message 5 until the secret is there.
func (s *SA) keepMessage5(d Datagram, _ isakmp.Header) { s.pending = &d }

// takeMessage5 reads the initiator's authentication and finds the policy for it.
func (s *SA) takeMessage5(d Datagram, h isakmp.Header) {
	a, ok := s.openAuth(d, h)
	if !ok {
		return
	}
	s.traceReceived(5, h, d.Path, a.payloads)
	// The initiator may have moved to the NAT traversal port (RFC 3947, 4).
	s.path = d.Path
	for _, p := range s.candidates {
		// Only a policy with the key that was used counts.
		if p.MatchID(a.id) && (s.transform.Auth != suite.PresharedKey || bytes.Equal(p.PSK, s.candidates[0].PSK)) {
			s.policy = p
			break
		}
	}
	if s.policy == nil {
		s.refuse(isakmp.InvalidIDInformation, fmt.Errorf("the peer says it is %s, for whom there is no policy at this address", s.cfg.Describe(a.id)))
		return
	}
	s.judge(a, s.keys.hashI(&s.exchange, a.id))
}
