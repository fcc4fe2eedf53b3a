package ikev1

import (
	"slices"
	"time"

	"keyman/ike/isakmp"
)

// A farewell is a DELETE of phase 2 SAs. Nobody acknowledges those, so that a lost
// one would leave the peer sending into the void until its SA expires. keyman
// answers with INVALID-SPI for what it has no more, and to a keyman peer a DELETE
// is repeated until that comes; to others it goes out a few times.
type farewell struct {
	spis     []ChildSPI // ours that are not acknowledged
	left     int
	interval time.Duration
	next     time.Time
}

// A ChildSPI names one SA of AH or ESP.
type ChildSPI struct {
	Protocol isakmp.Protocol
	SPI      uint32
}

// farewell tells the peer that SAs of ours are no more (RFC 2408, 3.15).
func (s *SA) farewell(spis []ChildSPI) {
	if len(spis) == 0 || s.chain == nil {
		return
	}
	f := &farewell{spis: slices.Clone(spis), left: deleteCopies, interval: s.cfg.Timing.Retransmit}
	if s.peer.keyman {
		f.left = max(deleteCopies, s.cfg.Timing.Probes)
	}
	s.quick.farewells = append(s.quick.farewells, f)
	s.repeatFarewell(f)
}

// repeatFarewell sends a DELETE for what is left of a farewell.
func (s *SA) repeatFarewell(f *farewell) {
	for _, protocol := range [...]isakmp.Protocol{isakmp.ProtocolESP, isakmp.ProtocolAH} {
		d := &isakmp.Delete{DOI: isakmp.DOIIPsec, Protocol: protocol}
		for _, spi := range f.spis {
			if spi.Protocol == protocol {
				d.SPIs = append(d.SPIs, spiBytes(spi.SPI))
			}
		}
		if len(d.SPIs) > 0 {
			s.sendInformational(d, "DELETE "+protocol.String())
		}
	}
	f.left--
	f.next = time.Time{}
	if f.left > 0 {
		f.next = s.now.Add(f.interval)
		f.interval = s.backOff(f.interval)
	}
}

// expireFarewells repeats those that are due and forgets those that have been said
// often enough.
func (s *SA) expireFarewells() {
	for _, f := range s.quick.farewells {
		if s.due(f.next) {
			s.repeatFarewell(f)
		}
	}
	s.quick.farewells = slices.DeleteFunc(s.quick.farewells, func(f *farewell) bool { return f.left == 0 || len(f.spis) == 0 })
}

// farewellHeard notes that the peer has an SA no more.
func (s *SA) farewellHeard(n *isakmp.Notification) {
	spi, ok := readSPI(n.SPI)
	if !ok {
		return
	}
	for _, f := range s.quick.farewells {
		f.spis = slices.DeleteFunc(f.spis, func(c ChildSPI) bool { return c == ChildSPI{n.Protocol, spi} })
	}
	s.quick.farewells = slices.DeleteFunc(s.quick.farewells, func(f *farewell) bool { return len(f.spis) == 0 })
}

// childDeleted acts on the peer's DELETE of SAs that it receives on, and we send
// on.
func (s *SA) childDeleted(p *isakmp.Delete) {
	for _, b := range p.SPIs[:min(len(p.SPIs), maxDeletes)] {
		spi, ok := readSPI(b)
		if !ok {
			continue
		}
		// An exchange that the peer gave up may still be under way here.
		for _, q := range s.quick.live {
			if q.role == Initiator && !q.state.ended() && q.choice != nil && slices.Contains(q.choice.peerSPI, spi) {
				s.failQuick(q, errDeletedMeanwhile)
			}
		}
		s.emit(ChildDeleted{SPI: ChildSPI{p.Protocol, spi}})
		if s.peer.keyman {
			s.sendInformational(&isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: p.Protocol, NotifyType: isakmp.InvalidSPI, SPI: b}, isakmp.InvalidSPI.String())
		}
	}
}
