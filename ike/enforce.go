package ike

import (
	"slices"

	"keyman/crl"
)

// A peerWatch is what an active tunnel keeps of its peer's certificates, so that
// they are looked at again: a certificate that was good when the tunnel came up
// may be revoked, expire, or lose its trusted CA while it is up.
type peerWatch struct {
	chain   [][]byte // as the peer sent it, DER; nil where it sent none
	verdict crl.Verdict
	stop    func() // nil where nobody looks
}

// keepChain copies a chain out of the message that brought it, where somebody will
// look at it again.
func (e *Engine) keepChain(chain [][]byte) [][]byte {
	if _, ok := e.verifier.(Watcher); !ok {
		return nil
	}
	kept := make([][]byte, len(chain))
	for i, der := range chain {
		kept[i] = slices.Clone(der)
	}
	return kept
}

// watchPeer has the verifier go on looking at the peer of an active tunnel.
func (e *Engine) watchPeer(s *session) {
	w, ok := e.verifier.(Watcher)
	if !ok || len(s.peer.chain) == 0 {
		return
	}
	id := s.id
	s.peer.stop = w.Watch(s.peer.chain, e.crlPolicy(s.def.protection), s.peer.verdict, func(v crl.Verdict) {
		e.post(func() { e.judge(id, v) })
	})
}

// unwatchPeer ends that.
func (s *session) unwatchPeer() {
	if s.peer.stop != nil {
		s.peer.stop()
	}
	s.peer = peerWatch{}
}

// judge acts on a new verdict on the peer of an active tunnel. One that does not
// accept it ends the tunnel, as it would have ended the negotiation.
func (e *Engine) judge(id uint64, v crl.Verdict) {
	s, ok := e.sessions[id]
	if !ok || s.state != TunnelActive {
		return
	}
	s.peer.verdict, s.verdict = v, v.Reasons
	if v.Accepted() {
		text := "the certificate of " + s.peerID + " is still good"
		if warned(v.Reasons) {
			text += ", with a warning"
		}
		e.report(s, EventVerdict, text, v.Reasons)
		return
	}
	s.lost = notAccepted(v)
	e.endSession(s, s.lost.Error())
}

// notAccepted says that a peer that was accepted is not any more.
func notAccepted(v crl.Verdict) *PeerError {
	return &PeerError{Summary: "the peer's certificate is not accepted any more (" + string(v.Status) + ")", Reasons: v.Reasons}
}
