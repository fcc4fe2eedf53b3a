package ikev1

import (
	"encoding/binary"
	"slices"
	"time"

	"keyman/ike/isakmp"
)

// liveness asks whether the peer is there (RFC 3706). Who sends the last message of
// phase 1 needs it once: it holds an SA then, and cannot know whether the peer got
// the message or has given up.
type liveness struct {
	confirmed bool
	sent      []uint32 // message IDs of ours, until the peer has shown itself
	sequence  uint32
	left      int // probes that may still be sent
	interval  time.Duration
}

// maxSentIDs bounds the message IDs that are remembered: more than an SA sends
// before it is confirmed.
const maxSentIDs = 64

// remember notes the message ID of an informational message of ours. HASH(1) does
// not say who made it (RFC 2409, 5.7): what we sent would be authentic when it is
// sent back to us.
func (l *liveness) remember(id uint32) {
	if len(l.sent) < maxSentIDs {
		l.sent = append(l.sent, id)
	}
}

// ours reports whether an informational message is our own.
func (l *liveness) ours(id uint32) bool { return slices.Contains(l.sent, id) }

// awaitConfirmation gives the peer time to show itself. One that does not speak
// dead peer detection cannot be asked.
func (s *SA) awaitConfirmation() {
	if !s.peer.dpd {
		return
	}
	// RFC 3706, 5.4: the first sequence number is random and below 2^31.
	s.live.sequence = s.seed.messageID() >> 1
	s.live.left = s.cfg.Timing.Probes
	s.live.interval = s.cfg.Timing.Retransmit
	after := s.cfg.Timing.Confirm
	if s.aggressive() {
		// The responder has no SA before our last message arrives, and
		// nothing to ask for it with.
		after = s.cfg.Timing.Retransmit
	}
	s.alarms.probe = s.now.Add(after)
}

// confirmed notes that the peer sent something authentic.
func (s *SA) confirmed() {
	s.alarms.probe = time.Time{}
	s.live.confirmed = true
}

// unconfirmed reports whether we have not heard from the peer since we sent the
// last message.
func (s *SA) unconfirmed() bool { return s.sendsLast() && !s.live.confirmed }

// probe sends R-U-THERE, or gives the peer up. An initiator of aggressive mode
// sends message 3 with it: it stands in for an answer that would be missing.
func (s *SA) probe() {
	if s.live.left == 0 {
		s.close("the peer does not answer: it never confirmed the SA", false)
		return
	}
	s.live.left--
	if s.aggressive() {
		s.transmit(TraceRetransmit)
	}
	s.sendInformational(s.notification(isakmp.RUThere, binary.BigEndian.AppendUint32(nil, s.live.sequence)), isakmp.RUThere.String())
	s.alarms.probe = s.now.Add(s.live.interval)
	s.live.interval = s.backOff(s.live.interval)
}

// answerProbe sends R-U-THERE-ACK with the peer's sequence number (RFC 3706, 5.3).
// It goes where the SA's messages go, not where the question came from: a
// question can be replayed.
func (s *SA) answerProbe(n *isakmp.Notification) {
	if len(n.Data) != 4 || string(n.SPI) != string(s.spi()) {
		return
	}
	s.sendInformational(s.notification(isakmp.RUThereAck, n.Data), isakmp.RUThereAck.String())
}
