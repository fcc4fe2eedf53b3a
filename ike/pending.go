package ike

import (
	"container/list"
	"net/netip"
)

// pending are the sessions that peers have begun and not brought to an SA, in the
// order in which they began: in all, and of each source.
type pending struct {
	all    list.List
	source map[netip.Prefix]*list.List
}

// A pendingPlace is where a session stands in pending; nil where it does not.
type pendingPlace struct {
	all, source *list.Element
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
	s.pending = pendingPlace{p.all.PushBack(s), p.source[source].PushBack(s)}
}

// remove stops counting a session.
func (p *pending) remove(s *session) {
	if s.pending.all == nil {
		return
	}
	p.all.Remove(s.pending.all)
	source := sourceOf(s.opener.remote.Addr())
	p.source[source].Remove(s.pending.source)
	if p.source[source].Len() == 0 {
		delete(p.source, source)
	}
	s.pending = pendingPlace{}
}

// makeRoom drops the oldest session that has not seen our cookie, where there
// are as many as there may be; who floods us with first messages then holds out
// against peers only as long as they need for an answer. It reports whether
// there is room now.
func (e *Engine) makeRoom(source netip.Prefix) bool {
	full := func(l *list.List, limit int) bool {
		if l == nil || l.Len() < limit {
			return false
		}
		// Those that wait for message 3 stand at the front, but for a few.
		for el, tries := l.Front(), 0; el != nil && tries < maxTries; el, tries = el.Next(), tries+1 {
			if s := el.Value.(*session); !s.sa.Proven() {
				e.forget(s)
				return false
			}
		}
		return true
	}
	return !full(e.pending.source[source], e.cfg.MaxHalfOpenPerPeer) && !full(&e.pending.all, e.cfg.MaxHalfOpen)
}

// maxTries bounds the search for a session that may be dropped.
const maxTries = 64
