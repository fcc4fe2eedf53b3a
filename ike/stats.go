package ike

import (
	"context"
	"errors"
)

// Stats count what an Engine does. All but the first three only grow, from zero at
// the start of Run.
type Stats struct {
	Tunnels     int // defined
	Active      int // phase 1 SAs that are up
	Negotiating int // negotiations under way

	Received, Sent uint64 // messages; what is no ISAKMP message does not count
	TurnedAway     uint64 // messages that would have begun one negotiation too many

	Started     uint64 // negotiations begun, from here or by a peer
	Established uint64 // those that became an SA
	Refused     uint64 // those that failed because the peer's certificate was not accepted
	Failed      uint64 // those that failed otherwise
	Closed      uint64 // SAs that ended
	Revoked     uint64 // those of them that ended because the peer's certificate is not accepted any more
}

// Stats returns the counts.
func (e *Engine) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := e.do(ctx, func() {
		s = e.stats
		s.Tunnels = len(e.defs)
		for _, one := range e.sessions {
			switch one.state {
			case TunnelActive:
				s.Active++
			case TunnelNegotiating:
				s.Negotiating++
			}
		}
	})
	return s, err
}

// count counts an event of a session.
func (s *Stats) count(kind EventKind, of *session) {
	switch kind {
	case EventStarted:
		s.Started++
	case EventEstablished:
		s.Established++
	case EventFailed:
		if refused := (*PeerError)(nil); errors.As(of.err, &refused) {
			s.Refused++
		} else {
			s.Failed++
		}
	case EventClosed:
		s.Closed++
		if of.lost != nil {
			s.Revoked++
		}
	}
}
