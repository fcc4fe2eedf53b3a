package ike

import (
	"container/list"
	"net/netip"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/isakmp"
)

// pending are the sessions that peers have begun and not brought to an SA, in the
// order in which they began: in all, and of each source.
type pending struct {
	all        list.List
	aggressive list.List // those of aggressive mode
	source     map[netip.Prefix]*list.List
}

// A pendingPlace is where a session stands in pending; nil where it does not.
type pendingPlace struct {
	all, source, aggressive *list.Element
}

// sourceOf is whom a message is counted against: an IPv4 address, or the network
// that one IPv6 host commonly has all of.
func sourceOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// add counts a session.
func (p *pending) add(s *session) {
	source := sourceOf(s.opener.remote.Addr())
	if p.source == nil {
		p.source = make(map[netip.Prefix]*list.List)
	}
	if p.source[source] == nil {
		p.source[source] = list.New()
	}
	s.pending = pendingPlace{all: p.all.PushBack(s), source: p.source[source].PushBack(s)}
	if s.sa.Mode() == isakmp.Aggressive {
		s.pending.aggressive = p.aggressive.PushBack(s)
	}
}

// remove stops counting a session.
func (p *pending) remove(s *session) {
	if s.pending.all == nil {
		return
	}
	p.all.Remove(s.pending.all)
	if s.pending.aggressive != nil {
		p.aggressive.Remove(s.pending.aggressive)
	}
	source := sourceOf(s.opener.remote.Addr())
	p.source[source].Remove(s.pending.source)
	if p.source[source].Len() == 0 {
		delete(p.source, source)
	}
	s.pending = pendingPlace{}
}

// makeRoom drops the oldest session that has not seen our cookie, where there
// are as many as there may be; who floods us with first messages then holds out
// against peers only as long as they need for an answer. What has been computed in
// aggressive mode stays for a while, and takes at most half of the room. It
// reports whether there is room now.
func (e *Engine) makeRoom(source netip.Prefix, mode ikedb.Mode) bool {
	now := time.Now()
	full := func(l *list.List, limit int) bool {
		if l == nil || l.Len() < limit {
			return false
		}
		// Those that wait for message 3 stand at the front, but for a few.
		for el, tries := l.Front(), 0; el != nil && tries < maxTries; el, tries = el.Next(), tries+1 {
			s := el.Value.(*session)
			if !s.sa.Proven() && (s.sa.Mode() != isakmp.Aggressive || now.Sub(s.started) >= aggressiveStay) {
				e.forget(s)
				return false
			}
		}
		return true
	}
	if mode == ikedb.ModeAggressive && full(&e.pending.aggressive, max(1, e.cfg.MaxHalfOpen/2)) {
		return false
	}
	return !full(e.pending.source[source], e.cfg.MaxHalfOpenPerPeer) && !full(&e.pending.all, e.cfg.MaxHalfOpen)
}

// aggressiveStay is how long a negotiation in aggressive mode is not dropped for
// newer ones: its peer may have to fetch a revocation list before message 3.
const aggressiveStay = 5 * time.Second

// maxTries bounds the search for a session that may be dropped.
const maxTries = 64
