package ike

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"keyman/crl"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A session is one SA with what the engine knows about it. The engine's
// goroutine owns it.
type session struct {
	id     uint64
	sa     *ikev1.SA
	def    *definition // nil for a responder that does not know its peer yet
	opener opener      // how a responder's first message is recognised

	state       TunnelState
	peerID      string
	started     time.Time
	established *ikev1.Established
	upAt, endAt time.Time
	err         error
	verdict     []crl.Reason
	peer        peerWatch
	lost        *PeerError // why an active tunnel's peer is not accepted any more

	alarm alarm

	// ctx ends with the session: nobody computes or fetches for one that is
	// gone.
	ctx    context.Context
	cancel context.CancelFunc

	pending pendingPlace // while a peer began it and has no SA

	// admitted says that something is computed for a peer that has not shown
	// that it gets our answers; named, that a tunnel names its address.
	admitted, named bool

	trail   trail           // empty once it is active
	waiting []chan<- Status // those that want to know how the negotiation ends
}

// An opener identifies a responder's negotiation before the initiator knows our
// cookie.
type opener struct {
	cookie isakmp.Cookie
	remote netip.AddrPort
}

// name is the tunnel's name, as far as it is known.
func (s *session) name() string {
	if s.def == nil {
		return ""
	}
	return s.def.tunnel.Name
}

// status describes the session.
func (e *Engine) status(s *session) Status {
	st := Status{
		State: s.state, Mode: ModeMain,
		ID: s.id, Role: s.sa.Role().String(),
		Started: s.started, Established: s.upAt, Ended: s.endAt,
	}
	if s.def != nil {
		st.describe(e.db, s.def.tunnel)
	}
	if s.sa.Mode() == isakmp.Aggressive {
		st.Mode = ModeAggressive
	}
	path := s.sa.Path()
	st.Local, st.Remote = path.Local, path.Remote
	if s.peerID != "" {
		st.RemoteID = s.peerID
	}
	if s.state == TunnelNegotiating {
		st.Detail = s.sa.State().String()
	}
	if t := s.sa.Transform(); t.Hash != 0 {
		st.Transform, st.Weak = t.String(), weaknesses(s.sa)
		words := strings.SplitN(t.String(), "-", 3)
		if len(words) == 3 {
			st.Encryption, st.Hash, st.Group = words[0], words[1], words[2]
		}
	}
	if s.established != nil {
		st.Expires, st.NAT = s.established.Expires, s.established.NAT
	}
	if s.err != nil {
		st.Error = s.err.Error()
	}
	st.Reasons, st.OwnReasons = s.verdict, e.ownReasons(s.name())
	return st
}

// weaknesses names what is weak about an SA.
func weaknesses(sa *ikev1.SA) []string {
	t := sa.Transform()
	weak := t.Weak()
	if sa.Mode() == isakmp.Aggressive && t.Auth == suite.PresharedKey {
		weak = append(weak, "preshared key in aggressive mode")
	}
	return weak
}

// perform carries out what an SA wants.
func (e *Engine) perform(s *session, effects []ikev1.Effect) {
	ctx := s.ctx // nothing is computed for a session that is gone
	for _, effect := range effects {
		switch f := effect.(type) {
		case ikev1.Send:
			e.send(Packet{Path: f.Path, Data: f.Data})
		case ikev1.SetTimer:
			e.timers.set(&s.alarm, f.At)
		case ikev1.GenerateKey:
			e.offload(e.crypto, s, func() ikev1.Event {
				if err := ctx.Err(); err != nil {
					return ikev1.KeyPair{Err: err, Exchange: f.Exchange}
				}
				key, err := f.Group.GenerateKey(rand.Reader)
				return ikev1.KeyPair{Key: key, Err: err, Exchange: f.Exchange}
			})
		case ikev1.ComputeSecret:
			e.offload(e.crypto, s, func() ikev1.Event {
				defer f.Key.Wipe()
				if err := ctx.Err(); err != nil {
					return ikev1.SharedSecret{Err: err, Exchange: f.Exchange}
				}
				secret, err := f.Key.Shared(f.Peer)
				return ikev1.SharedSecret{Secret: secret, Err: err, Exchange: f.Exchange}
			})
		case ikev1.Sign:
			signer := e.defs[f.Policy.Name].credential.Signer
			e.offload(e.crypto, s, func() ikev1.Event {
				if err := ctx.Err(); err != nil {
					return ikev1.Signed{Err: err}
				}
				signature, err := f.Policy.Auth().Sign(rand.Reader, signer, f.Hash)
				return ikev1.Signed{Signature: signature, Err: err}
			})
		case ikev1.Verify:
			e.verify(s, f)
		case ikev1.ExportedKey:
			e.exportKey(f)
		case ikev1.Trace:
			e.trace(s, f)
		case ikev1.Established:
			e.establish(s, f)
		case ikev1.Failed:
			e.fail(s, f.Err)
		case ikev1.Closed:
			e.closed(s, f.Reason)
			if !f.KeepChildren && len(e.active[s.key()]) == 0 {
				e.childrenOf(s, ikev1.ChildRemove{Reason: f.Reason, Silent: true})
			}
		case ikev1.Done:
			e.forget(s)
		case ikev1.ChildOffered:
			e.childOffered(s, f)
		case ikev1.ChildReady:
			e.childKeyed(s, f.SA, f)
		case ikev1.ChildUp:
			e.childKeyed(s, f.SA, f)
		case ikev1.ChildFailed:
			e.childFailed(s, f)
		case ikev1.ChildDeleted:
			e.childrenOf(s, f)
		case ikev1.ChildLife:
			e.childrenOf(s, f)
		}
	}
}

// verify asks about the peer: first whether it holds the key of a certificate
// that stands for its identity, on the workers that compute; then about the chain,
// on workers of its own, for a list may have to be fetched.
func (e *Engine) verify(s *session, f ikev1.Verify) {
	s.def = e.defs[f.Policy.Name]
	s.peerID = describeID(f.ID)
	check := &peerCheck{
		Verify:    f,
		verifier:  e.verifier,
		policy:    e.crlPolicy(s.def.protection),
		allowWeak: s.def.protection.AllowWeak,
	}
	ctx := s.ctx
	e.crypto.do(func() {
		if err := guard(check.identify); err != nil {
			e.conclude(s.id, nil, crl.Verdict{}, err)
			return
		}
		e.verdicts.do(func() {
			var verdict crl.Verdict
			err := guard(func() (err error) {
				verdict, err = check.decide(ctx)
				return err
			})
			e.conclude(s.id, e.keepChain(check.Certificates), verdict, err)
		})
	})
}

// conclude brings a verdict on a peer, and the chain that it is about, back to its
// session.
func (e *Engine) conclude(id uint64, chain [][]byte, verdict crl.Verdict, err error) {
	e.post(func() {
		s, ok := e.sessions[id]
		if !ok {
			return
		}
		s.verdict = verdict.Reasons
		if err == nil {
			s.peer = peerWatch{chain: chain, verdict: verdict}
		}
		text := "the certificate of " + s.peerID + " is good"
		if err != nil {
			text = err.Error()
		}
		e.report(s, EventVerdict, text, verdict.Reasons)
		e.handle(s, ikev1.Verdict{Err: err})
	})
}

// guard turns a panic over a peer's input into an error: it costs the peer its
// negotiation, and nobody else's.
func guard(job func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal failure: %v", p)
		}
	}()
	return job()
}

// offload runs a job on workers and feeds its answer to the session, if that is
// still there. Jobs for who has not shown that it gets our answers come after all
// others.
func (e *Engine) offload(w *workers, s *session, job func() ikev1.Event) {
	id, queue := s.id, w.do
	if s.admitted {
		queue = w.doLater
	}
	queue(func() {
		var answer ikev1.Event
		if err := guard(func() error {
			answer = job()
			return nil
		}); err != nil {
			answer = ikev1.Close{Reason: err.Error()}
		}
		e.post(func() {
			if s, ok := e.sessions[id]; ok {
				e.handle(s, answer)
			}
		})
	})
}

// handle feeds an event to a session.
func (e *Engine) handle(s *session, ev ikev1.Event) {
	e.schedule(func() {
		e.perform(s, s.sa.Handle(time.Now(), ev))
		if s.sa.Proven() || !s.sa.State().Computing() {
			e.discharge(s)
		}
	})
}

// discharge notes that nothing is computed any more for an unproven peer.
func (e *Engine) discharge(s *session) {
	if s.admitted {
		s.admitted = false
		e.admission.done(s.opener, s.named)
	}
}

// schedule runs a task when those before it are done. What phase 2 asks of phase 1
// while an event of phase 1 is acted on comes after that: no effect overtakes
// another.
func (e *Engine) schedule(task func()) {
	e.backlog = append(e.backlog, task)
	if len(e.backlog) > 1 {
		return
	}
	for len(e.backlog) > 0 {
		e.backlog[0]()
		e.backlog[0] = nil
		e.backlog = e.backlog[1:]
	}
}

// establish notes that a tunnel is up, and drops those it replaces.
func (e *Engine) establish(s *session, f ikev1.Established) {
	s.def = e.defs[f.Policy.Name]
	s.state, s.established, s.upAt = TunnelActive, &f, time.Now()
	s.peerID = describeID(f.PeerID)
	text := fmt.Sprintf("phase 1 with %s is up: %v", s.peerID, f.Transform)
	if weak := weaknesses(s.sa); len(weak) > 0 {
		text += " (weak: " + strings.Join(weak, ", ") + ")"
	}
	e.publish(s, Event{Kind: EventEstablished, Text: text, Transform: f.Transform.String()})
	delete(e.last, s.def.tunnel.Name)
	s.trail = trail{}
	e.pending.remove(s)
	e.active[s.key()] = append(e.active[s.key()], s)
	if f.InitialContact {
		e.dropOlder(s)
	}
	e.dropExcess(s)
	e.dropOrphan(s.key())
	e.watchPeer(s)
	e.answer(s)
	e.unqueue(s.def, nil)
}

// closed notes that a tunnel that was up has ended.
func (e *Engine) closed(s *session, reason string) {
	s.state, s.endAt, s.err = TunnelClosed, time.Now(), errors.New(reason)
	without[peerKey](e.active, s.key(), s)
	e.leavePeer(s)
	var reasons []crl.Reason
	if s.lost != nil {
		reasons = s.lost.Reasons
	}
	e.report(s, EventClosed, reason, reasons)
	e.keepLast(s)
}

// dropOlder forgets the SAs of a peer that says it has none but the new one
// (RFC 2407, 4.6.3.3). Only those count that were up before the new one began:
// when both sides start at once, each says so about the other's.
func (e *Engine) dropOlder(s *session) {
	for _, old := range e.sessions {
		if old != s && old.state == TunnelActive && old.def == s.def && old.peerID == s.peerID && old.upAt.Before(s.started) {
			e.report(old, EventClosed, lostByPeer, nil)
			e.forget(old)
		}
	}
	for _, c := range slices.Clone(e.children.byPeer[s.key()]) {
		if st := e.childStatus(c); !st.Established.IsZero() && st.Established.Before(s.started) {
			e.handleChild(c, ikev1.ChildRemove{Reason: lostByPeer, Silent: true})
		}
	}
}

// lostByPeer is why what a peer has forgotten ends.
const lostByPeer = "the peer lost it: INITIAL-CONTACT"

// maxPerPeer is how many SAs one peer may have of one tunnel: more than two ends
// that start at once and rekey need.
const maxPerPeer = 4

// dropExcess ends the oldest SAs of a peer that makes ever more of them.
func (e *Engine) dropExcess(s *session) {
	var same []*session
	for _, other := range e.ordered() {
		if other.state == TunnelActive && other.def == s.def && other.peerID == s.peerID {
			same = append(same, other)
		}
	}
	for ; len(same) > maxPerPeer; same = same[1:] {
		e.handle(same[0], ikev1.Close{Reason: "newer ones took its place", KeepChildren: true})
	}
}

// fail notes that a negotiation ended without a tunnel.
func (e *Engine) fail(s *session, err error) {
	if p := s.sa.Policy(); p != nil && s.def == nil {
		s.def = e.defs[p.Name]
	}
	s.state, s.endAt, s.err = TunnelFailed, time.Now(), err
	s.cancel()
	var reasons []crl.Reason
	if p := (*PeerError)(nil); errors.As(err, &p) {
		reasons = p.Reasons
	}
	e.report(s, EventFailed, err.Error(), reasons)
	e.keepLast(s)
	e.answer(s)
	if s.def != nil && s.sa.Role() == ikev1.Initiator {
		e.unqueue(s.def, err)
	}
}

// answer tells those who wait for the end of a negotiation.
func (e *Engine) answer(s *session) {
	for _, c := range s.waiting {
		c <- e.status(s) // has room: each waiter gets one answer
	}
	s.waiting = nil
}

// forget removes a session.
func (e *Engine) forget(s *session) {
	e.discharge(s)
	e.timers.set(&s.alarm, time.Time{})
	without[peerKey](e.active, s.key(), s)
	delete(e.sessions, s.id)
	initiator, responder := s.sa.Cookies()
	if s.sa.Role() == ikev1.Initiator {
		delete(e.cookies, initiator)
	} else {
		delete(e.cookies, responder)
		delete(e.openers, s.opener)
		e.pending.remove(s)
	}
	s.cancel()
	s.unwatchPeer()
	e.answer(s)
}

// trace reports a message, and remembers it while the SA is negotiated.
func (e *Engine) trace(s *session, t ikev1.Trace) {
	if s.state == TunnelNegotiating {
		s.trail.add(time.Now(), t)
	}
	if !e.hub.watched() && !e.logger.Enabled(e.ctx, slog.LevelDebug) {
		return // a million of these are not worth formatting for nobody
	}
	var ev Event
	ev.Kind, ev.Text, ev.Message = describeTrace(t)
	if ev.Kind == EventNotification {
		ev.Notification = t.Note
	}
	e.publish(s, ev)
}

// report publishes and logs what happened to a session.
func (e *Engine) report(s *session, kind EventKind, text string, reasons []crl.Reason) {
	e.publish(s, Event{Kind: kind, Text: text, Reasons: reasons})
}

// publish completes an event of a session, hands it to subscribers and logs it.
func (e *Engine) publish(s *session, ev Event) {
	ev.Time, ev.ID, ev.Role, ev.Tunnel = time.Now(), s.id, s.sa.Role().String(), s.name()
	ev.Peer, ev.PeerID = s.sa.Path().Remote, s.peerID
	e.stats.count(ev.Kind, s)
	e.hub.publish(ev)
	e.log(ev)
}
