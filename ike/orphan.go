package ike

import (
	"slices"

	"keyman/crl"
	"keyman/ike/ikev1"
)

// An orphan is the peer of phase 2 tunnels whose phase 1 has ended. They may live
// for long without one, and it is the peer that says when phase 1 ends: its
// certificate is looked at as before.
type orphan struct {
	peerWatch
	def *definition
}

// leavePeer ends the watch of a session that has ended, or leaves it to the phase 2
// tunnels of the peer where no other session has it.
func (e *Engine) leavePeer(s *session) {
	left, key := s.peer, s.key()
	s.unwatchPeer()
	if left.stop == nil || len(e.children.byPeer[key]) == 0 || len(e.active[key]) > 0 {
		return
	}
	e.dropOrphan(key)
	o := &orphan{peerWatch: left, def: s.def}
	e.orphans[key] = o
	e.watchOrphan(key, o)
}

// watchOrphan has the verifier look at an orphan.
func (e *Engine) watchOrphan(key peerKey, o *orphan) {
	w, ok := e.verifier.(Watcher)
	if !ok {
		return
	}
	o.stop = w.Watch(o.chain, e.crlPolicy(o.def.protection), o.verdict, func(v crl.Verdict) {
		e.post(func() { e.judgeOrphan(key, o, v) })
	})
}

// dropOrphan ends the watch of an orphan: its tunnels have gone, or it has a phase 1
// again.
func (e *Engine) dropOrphan(key peerKey) {
	if o := e.orphans[key]; o != nil {
		o.stop()
		delete(e.orphans, key)
	}
}

// judgeOrphan acts on a new verdict on an orphan. There is no SA under which it
// could be told that its tunnels end.
func (e *Engine) judgeOrphan(key peerKey, o *orphan, v crl.Verdict) {
	if e.orphans[key] != o {
		return
	}
	o.verdict = v
	if v.Accepted() {
		return
	}
	reason := notAccepted(v).Error()
	for _, c := range slices.Clone(e.children.byPeer[key]) {
		e.handleChild(c, ikev1.ChildRemove{Reason: reason, Silent: true})
	}
}
