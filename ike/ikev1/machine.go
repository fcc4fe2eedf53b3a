package ikev1

import "keyman/ike/isakmp"

// A trigger is what moves a negotiation from one state to the next.
type trigger string

// The triggers. The messages are counted as in RFC 2409, 5.
const (
	onStart     trigger = "start"
	onMessage1  trigger = "message 1"
	onMessage2  trigger = "message 2"
	onMessage3  trigger = "message 3"
	onMessage4  trigger = "message 4"
	onMessage5  trigger = "message 5"
	onMessage6  trigger = "message 6"
	onKey       trigger = "key"
	onSecret    trigger = "secret"
	onSignature trigger = "signature"
	onVerdict   trigger = "verdict"
)

// A form says whether an awaited message is encrypted.
type form uint8

const (
	noMessage form = iota
	inClear
	encrypted
	either
)

// admits reports whether a message of the form may have this header.
func (f form) admits(h isakmp.Header) bool { return f == either || h.Encrypted() == (f == encrypted) }

// A step is what an SA does about a trigger in a state, and where that may lead
// if all goes well. Every state may also end in StateFailed, StateEstablished in
// StateClosed, and both in Gone.
type step struct {
	from State
	on   trigger
	form form // of the message, where the trigger is one
	do   func(*SA, Event)
	to   []State
}

// A message is a datagram whose header has been read.
type message struct {
	Datagram
	header isakmp.Header
}

// does makes a step's function of a method for one type of event.
func does[E Event](method func(*SA, E)) func(*SA, Event) {
	return func(s *SA, ev Event) { method(s, ev.(E)) }
}

// The machines: what each side does in each state.
var (
	mainInitiator = []step{
		{Idle, onStart, noMessage, does((*SA).sendMainMessage1), []State{AwaitSA}},
		{AwaitSA, onMessage2, inClear, does((*SA).takeMainMessage2), []State{MakingKey}},
		{MakingKey, onKey, noMessage, does((*SA).sendMainMessage3), []State{AwaitKE}},
		{AwaitKE, onMessage4, inClear, does((*SA).takeMainMessage4), []State{ComputingSecret}},
		{ComputingSecret, onSecret, noMessage, does((*SA).authenticateMainInitiator), []State{Signing, AwaitAuth}},
		{Signing, onSignature, noMessage, does((*SA).sendSignature), []State{AwaitAuth}},
		{AwaitAuth, onMessage6, encrypted, does((*SA).takeMainMessage6), []State{Verifying, StateEstablished}},
		{Verifying, onVerdict, noMessage, does((*SA).haveVerdict), []State{StateEstablished}},
	}
	mainResponder = []step{
		{AwaitSA, onMessage1, inClear, does((*SA).takeMainMessage1), []State{AwaitKE}},
		{AwaitKE, onMessage3, inClear, does((*SA).takeMainMessage3), []State{MakingKey}},
		{MakingKey, onKey, noMessage, does((*SA).sendMainMessage4), []State{ComputingSecret}},
		{ComputingSecret, onMessage5, encrypted, does((*SA).keep), []State{ComputingSecret}},
		{ComputingSecret, onSecret, noMessage, does((*SA).awaitMainMessage5), []State{AwaitAuth}},
		{AwaitAuth, onMessage5, encrypted, does((*SA).takeMainMessage5), []State{Verifying, StateEstablished}},
		{Verifying, onVerdict, noMessage, does((*SA).haveVerdict), []State{Signing}},
		{Signing, onSignature, noMessage, does((*SA).sendSignature), []State{StateEstablished}},
	}
	aggressiveInitiator = []step{
		{Idle, onStart, noMessage, does((*SA).makeAggressiveKey), []State{MakingKey}},
		{MakingKey, onKey, noMessage, does((*SA).sendAggressiveMessage1), []State{AwaitSA}},
		{AwaitSA, onMessage2, inClear, does((*SA).takeAggressiveMessage2), []State{ComputingSecret}},
		{ComputingSecret, onSecret, noMessage, does((*SA).verifyAggressiveResponder), []State{Verifying, StateEstablished}},
		{Verifying, onVerdict, noMessage, does((*SA).haveVerdict), []State{Signing}},
		{Signing, onSignature, noMessage, does((*SA).sendSignature), []State{StateEstablished}},
	}
	aggressiveResponder = []step{
		{AwaitSA, onMessage1, inClear, does((*SA).takeAggressiveMessage1), []State{MakingKey}},
		{MakingKey, onKey, noMessage, does((*SA).answerAggressiveMessage1), []State{ComputingSecret, AwaitAuth}},
		{ComputingSecret, onSecret, noMessage, does((*SA).haveAggressiveSecret), []State{Signing, AwaitAuth}},
		{Signing, onSignature, noMessage, does((*SA).sendSignature), []State{AwaitAuth}},
		{AwaitAuth, onMessage3, either, does((*SA).takeAggressiveMessage3), []State{ComputingSecret, Verifying, StateEstablished}},
		{Verifying, onVerdict, noMessage, does((*SA).haveVerdict), []State{StateEstablished}},
	}
)

// machineFor returns the machine of a side.
func machineFor(mode isakmp.ExchangeType, role Role) []step {
	switch {
	case mode == isakmp.Aggressive && role == Initiator:
		return aggressiveInitiator
	case mode == isakmp.Aggressive:
		return aggressiveResponder
	case role == Initiator:
		return mainInitiator
	}
	return mainResponder
}

// step returns what is to be done about a trigger; ok is false where it comes
// too late, or too early.
func (s *SA) step(on trigger) (step, bool) {
	for _, st := range s.machine {
		if st.from == s.state && st.on == on {
			return st, true
		}
	}
	return step{}, false
}

// awaited returns the step for the message that the state waits for.
func (s *SA) awaited() (step, bool) {
	for _, st := range s.machine {
		if st.from == s.state && st.form != noMessage {
			return st, true
		}
	}
	return step{}, false
}

// take acts on a trigger other than a message and reports whether it was awaited.
func (s *SA) take(on trigger, ev Event) bool {
	st, ok := s.step(on)
	if ok {
		st.do(s, ev)
	}
	return ok
}

// takeMessage acts on a message of phase 1.
func (s *SA) takeMessage(m message) {
	next, ok := s.awaited()
	switch {
	case !ok:
		s.ignore(m.Path, m.header, "no message of the exchange is awaited while "+s.state.String())
	case !next.form.admits(m.header):
		s.ignore(m.Path, m.header, "encrypted where it should be clear, or clear where it should be encrypted")
	default:
		next.do(s, m)
	}
}
