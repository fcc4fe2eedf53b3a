package ike

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// Aggressive mode makes a responder compute at the first message, whose sender may
// bear anybody's address; a cookie cannot help, for there is no room for one in
// three messages. admission decides which first messages are worth it:
//
//   - of one source, an IPv4 address or IPv6 /64, a few at a time;
//   - of all together no more than can be computed within seconds;
//   - where several wait already, only who asks again: a peer does so after a
//     second, while what is sent with borrowed addresses is sent once;
//   - of those that were answered no more than have room for a while, so that a
//     peer which has to fetch a revocation list before it answers finds its
//     negotiation when it comes back.
//
// Peers that a tunnel names by address wait apart from those of any address. The
// zero value is ready. It is the engine's goroutine's alone, and knows no clock.
type admission struct {
	classes [2]admissionClass // of peers of any address, and of named ones
	sources map[netip.Prefix]int
}

// An admissionClass counts one kind of peers.
type admissionClass struct {
	working int // negotiations for which something is computed
	asked   greylist
}

// The bounds of admission.
const (
	// maxUnproven bounds the negotiations of a class for which something is
	// computed while their peer has not shown that it gets our answers.
	maxUnproven = 64
	// maxUnprovenPerSource bounds those of one source, behind which many peers
	// may be: a NAT.
	maxUnprovenPerSource = 16
	// crowd is how many are admitted at once before others must ask twice.
	crowd = 32
)

// admit reports whether something shall be computed for a first message of
// aggressive mode. If so, done is to be called once nothing is any more.
func (a *admission) admit(now time.Time, o opener, named bool) bool {
	c := a.class(named)
	source := sourceOf(o.remote.Addr())
	if a.sources[source] >= maxUnprovenPerSource {
		return false
	}
	if c.working >= crowd && !c.asked.again(now, o) || c.working >= maxUnproven {
		return false
	}
	if a.sources == nil {
		a.sources = make(map[netip.Prefix]int)
	}
	a.sources[source]++
	c.working++
	return true
}

// done says that nothing is computed any more for who was admitted.
func (a *admission) done(o opener, named bool) {
	a.class(named).working--
	source := sourceOf(o.remote.Addr())
	if a.sources[source]--; a.sources[source] == 0 {
		delete(a.sources, source)
	}
}

func (a *admission) class(named bool) *admissionClass {
	if named {
		return &a.classes[1]
	}
	return &a.classes[0]
}

// A greylist remembers for some seconds who has asked, in a table of fixed size:
// notes that find no place drive older ones out. The zero value is ready, and has
// no table before it is needed.
type greylist struct {
	seed  maphash.Seed
	start time.Time
	sets  [][greyWays]greyNote
}

// A greyNote is one opener, by a part of its hash, and when it asked first, in
// milliseconds since the list began, modulo 2^32. The zero note is none.
type greyNote struct{ mark, at uint32 }

const (
	// greySets and greyWays make the table: 262,144 notes in 2 MiB, the first
	// messages of several seconds at a hundred thousand a second.
	greySets = 1 << 16
	greyWays = 4
	// askAgain is how long after its first message a peer counts as one that
	// asks again: below a second, after which peers do, and above what copies
	// of one message take.
	askAgain = 400 * time.Millisecond
	// greyFor is how long a note counts.
	greyFor = 15 * time.Second
)

// again reports whether an opener has asked before, and not just now. If it has
// not, it is noted.
func (g *greylist) again(now time.Time, o opener) bool {
	if g.sets == nil {
		g.seed, g.start, g.sets = maphash.MakeSeed(), now, make([][greyWays]greyNote, greySets)
	}
	hash := maphash.Comparable(g.seed, o)
	set, mark := &g.sets[hash%greySets], uint32(hash>>32)|1
	at := uint32(now.Sub(g.start).Milliseconds())
	oldest := 0
	for i, note := range set {
		age := at - note.at
		if note.mark == mark && age < uint32(greyFor.Milliseconds()) {
			return age >= uint32(askAgain.Milliseconds())
		}
		if old := at - set[oldest].at; note.mark == 0 || set[oldest].mark != 0 && age > old {
			oldest = i
		}
	}
	set[oldest] = greyNote{mark, at}
	return false
}
