package ikev1

import (
	"time"
)

// alarms are the times at which an SA wants to be woken; zero means never. The
// caller sees only the first of them.
type alarms struct {
	retransmit time.Time // send the last message again
	deadline   time.Time // the negotiation is over
	patience   time.Time // the peer's error counts
	probe      time.Time // ask for a sign of life
	expire     time.Time // the SA's lifetime is over
	linger     time.Time // forget the SA
}

// next returns the first alarm.
func (a *alarms) next() time.Time {
	return earliest(a.retransmit, a.deadline, a.patience, a.probe, a.expire, a.linger)
}

// due reports whether an alarm's time has come.
func (s *SA) due(at time.Time) bool { return !at.IsZero() && !s.now.Before(at) }

// expire acts on the alarms that are due, the most final first.
func (s *SA) expire() {
	switch a := &s.alarms; {
	case s.due(a.linger):
		s.alarms = alarms{}
		s.state = Gone
		s.emit(Done{})
	case s.due(a.expire):
		s.close("its lifetime is over", true)
	case s.due(a.deadline), s.due(a.patience):
		err := s.timeoutError()
		if s.chain != nil {
			// The peer may hold an SA already: our last message came
			// through and its answer did not.
			s.sendDelete()
		}
		s.fail(err)
	default:
		if s.due(a.retransmit) {
			s.retransmit()
		}
		if s.due(a.probe) {
			s.probe()
		}
		s.expireQuick()
	}
}
