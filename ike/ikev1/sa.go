package ikev1

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// An SA is one ISAKMP security association, from the first message of its
// negotiation to its end. Make it with New and drive it with Handle.
type SA struct {
	cfg   Config
	state State
	seed  seeded

	machine []step // what this side does in each state

	// What has been negotiated so far.
	exchange   exchange
	candidates []*Policy // a responder narrows them down as it learns more
	policy     *Policy   // set for an initiator, and for a responder once it knows its peer
	transform  suite.Transform
	offer      *isakmp.SA // the initiator's own
	answer     *isakmp.SA // the responder's, in aggressive mode
	key        *suite.PrivateKey
	keys       *keys
	chain      *chain
	peerID     isakmp.Identification
	claim      *authentication // of message 2 of aggressive mode, until the secret is there
	peer       peerFeatures
	nat        NAT
	contact    bool // the peer said INITIAL-CONTACT

	// Sending and receiving.
	path      Path
	sent      flight
	accepted  [sha256.Size]byte // digest of the last message that moved the SA on
	pending   *message          // the next message, when it came before the secret was computed
	held      []message         // of quick mode, that came before phase 1 was established
	began     time.Time         // when a responder took message 1
	proven    bool              // the initiator has shown a responder that it has seen our cookie
	fragments isakmp.Reassembler
	notified  bool // an error was already answered in this state
	unproven  int  // informational messages seen before the SA was established

	// What went wrong last, without having ended the negotiation.
	doubt error

	quick quickModes // phase 2

	alarms  alarms
	expires time.Time
	live    liveness

	// For the Handle that is running.
	now     time.Time
	effects []Effect
}

// New makes one side of a negotiation. An initiator begins with the event Start,
// a responder with the Datagram of the initiator's first message.
func New(cfg Config) (*SA, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &SA{cfg: cfg, seed: seeded{key: cfg.Seed}, machine: machineFor(cfg.Mode, cfg.Role), candidates: cfg.Policies, path: cfg.Path}
	switch cfg.Role {
	case Initiator:
		s.policy = cfg.Policies[0]
		s.exchange.cookieI = cfg.Cookie
		s.state = Idle
	case Responder:
		s.exchange.cookieR = cfg.Cookie
		s.state = AwaitSA
	}
	return s, nil
}

// State returns how far the SA has come.
func (s *SA) State() State { return s.state }

// Proven reports whether the peer has shown that it gets what is sent to its
// address: an initiator's peer has by answering, a responder's by message 3.
func (s *SA) Proven() bool { return s.proven || s.cfg.Role == Initiator }

// aggressive reports whether the SA is made by aggressive mode.
func (s *SA) aggressive() bool { return s.cfg.Mode == isakmp.Aggressive }

// sendsLast reports whether the exchange ends with a message of ours: then we hold
// an SA, and cannot know whether it arrived. The responder of main mode sends the
// last message, and the initiator of aggressive mode.
func (s *SA) sendsLast() bool { return (s.cfg.Role == Initiator) == s.aggressive() }

// Mode returns the exchange that makes the SA.
func (s *SA) Mode() isakmp.ExchangeType { return s.cfg.Mode }

// Role returns the side that the SA plays.
func (s *SA) Role() Role { return s.cfg.Role }

// Path returns the addresses that the SA sends on.
func (s *SA) Path() Path { return s.path }

// Cookies returns the initiator's and the responder's cookie; the peer's one is
// zero until it is known.
func (s *SA) Cookies() (initiator, responder isakmp.Cookie) {
	return s.exchange.cookieI, s.exchange.cookieR
}

// Transform returns the chosen algorithms; the zero Transform until they are.
func (s *SA) Transform() suite.Transform { return s.transform }

// Policy returns the policy in use; nil for a responder that does not know its
// peer yet.
func (s *SA) Policy() *Policy { return s.policy }

// Handle takes one event at the time now, which never goes back, and returns
// what is to be done, in order. An SA in the state Gone does nothing.
func (s *SA) Handle(now time.Time, ev Event) []Effect {
	s.now, s.effects = now, nil
	before := s.wakeAt()
	switch ev := ev.(type) {
	case Start:
		s.take(onStart, ev)
	case Datagram:
		s.receive(ev)
	case Timer:
		s.expire()
	case KeyPair:
		if ev.Exchange != 0 {
			s.haveQuickKey(ev)
		} else {
			s.haveKey(ev)
		}
	case SharedSecret:
		if ev.Exchange != 0 {
			s.haveQuickSecret(ev)
		} else {
			s.haveSecret(ev)
		}
	case Signed:
		s.haveSignature(ev)
	case Verdict:
		s.take(onVerdict, ev)
	case Negotiate:
		s.negotiate(ev)
	case Terms:
		s.haveTerms(ev)
	case DeleteChild:
		s.farewell(ev.SPIs)
	case Close:
		s.close(ev.Reason, ev.KeepChildren)
	}
	_, rang := ev.(Timer)
	if next := s.wakeAt(); rang || !next.Equal(before) {
		s.emit(SetTimer{At: next})
	}
	effects := s.effects
	s.effects = nil
	return effects
}

func (s *SA) emit(e Effect) { s.effects = append(s.effects, e) }

// ignore tells of a message that changes nothing.
func (s *SA) ignore(path Path, h isakmp.Header, why string) {
	s.emit(Trace{Kind: TraceIgnored, Exchange: h.Exchange, Path: path, Note: why})
}

// suspect notes something that speaks against the negotiation but that anybody
// may have sent, or that the peer may still think better of: the SA goes on for
// the patience of its timing, and fails with this error unless it gets further.
func (s *SA) suspect(err error) {
	s.doubt = err
	if at := s.now.Add(s.cfg.Timing.ErrorPatience); s.alarms.patience.IsZero() && at.Before(s.alarms.deadline) {
		s.alarms.patience = at
	}
}

// progress notes that a message of the peer moved the SA on.
func (s *SA) progress(message []byte) {
	s.accepted = sha256.Sum256(message)
	s.doubt, s.notified = nil, false
	s.alarms.patience = time.Time{}
	s.alarms.retransmit = time.Time{}
}

// fail ends the negotiation.
func (s *SA) fail(err error) {
	s.end(StateFailed)
	s.emit(Failed{Err: err})
}

// end stops everything but the answers to retransmissions. Before message 3
// nothing is kept even for those: who sent message 1 need not have seen ours.
func (s *SA) end(state State) {
	linger := s.cfg.Timing.Linger
	if s.cfg.Role == Responder && !s.proven {
		linger = 0
	}
	s.state = state
	s.alarms = alarms{linger: s.now.Add(linger)}
	s.pending, s.claim, s.held = nil, nil, nil
	s.endQuick()
	s.forgetSecrets()
}

// forgetSecrets wipes what is not needed after the end.
func (s *SA) forgetSecrets() {
	if s.keys != nil {
		s.keys.wipe()
	}
	if s.key != nil {
		s.key.Wipe()
	}
	s.keys, s.key, s.chain = nil, nil, nil
}

// close ends the SA on request.
func (s *SA) close(reason string, keepChildren bool) {
	switch {
	case s.state == StateEstablished:
		s.sendDelete()
		s.end(StateClosed)
		s.emit(Closed{Reason: reason, KeepChildren: keepChildren})
	case !s.state.ended():
		if s.chain != nil {
			s.sendDelete()
		}
		s.fail(errors.New(reason))
	}
}

// defaultLifetime is what an SA without a lifetime gets (RFC 2407, 4.5.4).
const defaultLifetime = 8 * time.Hour

// establish makes the SA usable.
func (s *SA) establish() {
	s.state = StateEstablished
	s.doubt = nil
	s.alarms = alarms{}
	life := s.transform.Lifetime
	if life <= 0 {
		life = defaultLifetime
	}
	s.expires = s.now.Add(life)
	s.alarms.expire = s.expires
	if s.sendsLast() {
		s.awaitConfirmation()
	}
	s.emit(Established{
		Policy:         s.policy,
		Transform:      s.transform,
		PeerID:         s.peerID,
		Expires:        s.expires,
		InitialContact: s.contact,
		NAT:            s.nat,
	})
	s.takeHeld()
}

// timeoutError says what the negotiation was waiting for when its time ran out.
func (s *SA) timeoutError() error {
	if s.doubt != nil {
		return s.doubt
	}
	if s.cfg.Role == Initiator && s.state == AwaitSA {
		return hintedError{fmt.Errorf("no answer from %v within %v: is a daemon there, and does UDP get through?", s.path.Remote, s.cfg.Timing.Deadline), hintAnswer}
	}
	why, hint := "", ""
	if s.state == AwaitAuth && s.transform.Auth == suite.PresharedKey && (s.cfg.Role == Initiator || s.aggressive()) {
		// Most peers say nothing to what they cannot decrypt.
		why, hint = ": the preshared keys differ, most likely", hintPSK
	}
	return hintedError{fmt.Errorf("nothing more came from %v within %v while %v%s", s.path.Remote, s.cfg.Timing.Deadline, s.state, why), hint}
}
