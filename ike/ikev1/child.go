package ikev1

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Child is a phase 2 tunnel: the SAs that serve one flow of traffic, each taking
// the place of the one before it. Like an SA of phase 1 it is a pure value that
// takes events with the time and returns effects; but it outlives the phase 1 by
// which its SAs were negotiated.
//
//	                ChildActivate                    ChildUp
//	ChildIdle ----------------------> ChildWaiting ----------> ChildActive
//	    |  \                               |  ChildFailed          |   |
//	    |   \------ ChildUp (the peer's) --|---------------------> |   | the next one is due:
//	    |                                  v                       |   | ChildNegotiate, ChildUp
//	    |  <---------------------------- failed                    v   v
//	    |  <------------------------------------------ its last SA ends
//
// A new SA receives from ChildReady on and is sent on from ChildUp on; the one that
// it replaces goes on receiving until whoever began the replacement deletes it. So
// no packet is lost. Where both sides replace one at the same time, they agree
// which of the two new ones stays by their SPIs.
type Child struct {
	cfg     ChildConfig
	seed    seeded
	pairs   []*childPair // in the order in which they came up; those not up yet last
	waiting bool         // we asked for a negotiation
	came    int          // how many have come up so far
	asked   int          // came, when we asked
	retry   time.Time    // when to ask again
	using   uint32       // the SPI of the pair that we send on; 0 for none
	upAt    time.Time    // since when there has been one without a break
	bytes   uint64       // of pairs that have ended
	why     error        // why there is none, or none newer

	now     time.Time
	effects []ChildEffect
}

// A ChildConfig makes a Child.
type ChildConfig struct {
	// MayNegotiate says that this side may begin a quick mode.
	MayNegotiate bool
	// Overlap is how long before the end of an SA the next one is negotiated,
	// in percent of its life; 0 is DefaultOverlap.
	Overlap int
	// TunnelLifetime and TunnelKB end the tunnel, with all its SAs; 0 is never.
	TunnelLifetime time.Duration
	TunnelKB       uint32
	// Seed spreads the times at which SAs are replaced. It must be 32 random
	// bytes that are used for nothing else.
	Seed [32]byte
}

// DefaultOverlap is the key refresh overlap of phase 2 in percent.
const DefaultOverlap = 15

const (
	// maxPairs bounds the SAs of one tunnel: the oldest go. A replacement needs
	// two, and one of both sides at once three.
	maxPairs = 6
	// retireAfter is how long the SA that was replaced still receives: longer
	// than packets are on their way.
	retireAfter = 5 * time.Second
	// supersededAfter is how long one that we began stays when the peer's took its
	// place: by then the peer has deleted what it wants to.
	supersededAfter = time.Minute
	// retryAfter is the pause after a replacement that failed.
	retryAfter = 10 * time.Second
	// kilobyte is the unit of lifetimes by size.
	kilobyte = 1024
)

// ChildState is how a Child stands.
type ChildState int

// The states; see Child.
const (
	ChildIdle ChildState = iota
	ChildWaiting
	ChildActive
)

// String returns the state in words.
func (s ChildState) String() string {
	switch s {
	case ChildIdle:
		return "idle"
	case ChildWaiting:
		return "negotiating"
	case ChildActive:
		return "active"
	}
	return fmt.Sprintf("ChildState(%d)", int(s))
}

// A childPair is one SA of a Child, in both directions.
type childPair struct {
	sa         *ChildSA
	up         time.Time // zero while it only receives
	nth        int       // to come up
	lost       bool      // another one of the same time stays instead
	bytes      uint64
	soft, hard time.Time // when the next one is due, and when it ends
	retire     time.Time // when we delete it, because we replaced it
}

// NewChild makes a Child without SAs.
func NewChild(cfg ChildConfig) *Child {
	if cfg.Overlap <= 0 || cfg.Overlap >= 100 {
		cfg.Overlap = DefaultOverlap
	}
	return &Child{cfg: cfg, seed: seeded{key: cfg.Seed}}
}

// State returns how the tunnel stands.
func (c *Child) State() ChildState {
	switch {
	case c.current() != nil:
		return ChildActive
	case c.waiting || !c.retry.IsZero():
		return ChildWaiting
	}
	return ChildIdle
}

// Err says why there is no SA, or no newer one; nil where nothing went wrong.
func (c *Child) Err() error { return c.why }

// A ChildInfo describes one SA of a Child.
type ChildInfo struct {
	SA      *ChildSA
	Up      time.Time // zero while it only receives
	Rekey   time.Time // when this side replaces it; zero where it does not
	Expires time.Time
	Bytes   uint64 // as counted last
	Used    bool   // we send on it
}

// SAs describes the SAs that there are, oldest first.
func (c *Child) SAs() []ChildInfo {
	all := make([]ChildInfo, 0, len(c.pairs))
	for _, p := range c.pairs {
		info := ChildInfo{SA: p.sa, Up: p.up, Expires: p.hard, Bytes: p.bytes, Used: p.sa.SPI() == c.using}
		if p == c.current() {
			info.Rekey = p.soft
		}
		all = append(all, info)
	}
	return all
}

// TunnelExpires returns when the tunnel ends whatever its SAs do; zero where it
// does not.
func (c *Child) TunnelExpires() time.Time {
	if c.cfg.TunnelLifetime == 0 || c.upAt.IsZero() {
		return time.Time{}
	}
	return c.upAt.Add(c.cfg.TunnelLifetime)
}

// current returns the SA that counts: the last one that came up and was not
// lost against another.
func (c *Child) current() *childPair {
	var found *childPair
	for _, p := range c.pairs {
		if !p.up.IsZero() && (found == nil || found.lost || !p.lost) {
			found = p
		}
	}
	return found
}

// find returns the SA that we receive on by an SPI.
func (c *Child) find(spi uint32) *childPair {
	for _, p := range c.pairs {
		if p.sa.SPI() == spi {
			return p
		}
	}
	return nil
}

// Handle takes one event at the time now, which never goes back, and returns what
// is to be done, in order. The effects of an SA of phase 1 that are about this
// tunnel are its events.
func (c *Child) Handle(now time.Time, ev ChildEvent) []ChildEffect {
	c.now, c.effects = now, nil
	before := c.wakeAt()
	switch ev := ev.(type) {
	case ChildActivate:
		if c.current() == nil && !c.waiting {
			c.why = nil
			c.negotiate()
		}
	case ChildReady:
		c.add(ev.SA)
	case ChildUp:
		c.cameUp(ev.SA)
	case ChildFailed:
		c.failed(ev)
	case ChildDeleted:
		c.deleted(ev.SPI)
	case ChildLife:
		c.shorten(ev)
	case ChildCounted:
		c.counted(ev)
	case ChildRemove:
		c.remove(errors.New(ev.Reason), !ev.Silent)
	case Timer:
		c.expire()
	}
	_, rang := ev.(Timer)
	if next := c.wakeAt(); rang || !next.Equal(before) {
		c.emit(SetTimer{At: next})
	}
	effects := c.effects
	c.effects = nil
	return effects
}

func (c *Child) emit(e ChildEffect) { c.effects = append(c.effects, e) }

// negotiate asks for a new SA.
func (c *Child) negotiate() {
	c.retry = time.Time{}
	if !c.cfg.MayNegotiate || c.waiting {
		return
	}
	c.waiting, c.asked = true, c.came
	c.emit(ChildNegotiate{})
}

// add takes an SA that receives.
func (c *Child) add(sa *ChildSA) *childPair {
	p := &childPair{sa: sa, hard: c.now.Add(sa.Lifetime)}
	c.pairs = append(c.pairs, p)
	c.emit(ChildInstall{SA: sa, SoftBytes: c.softSize(sa), HardBytes: c.hardSize(sa)})
	return p
}

// cameUp takes an SA that may be sent on.
func (c *Child) cameUp(sa *ChildSA) {
	p := c.find(sa.SPI())
	if p == nil {
		p = c.add(sa)
	}
	first := c.current() == nil
	// Last among those that are up: the order is that of coming up.
	c.pairs = append(slices.DeleteFunc(c.pairs, func(o *childPair) bool { return o == p }), p)
	c.came++
	p.nth = c.came
	p.up, p.hard = c.now, c.now.Add(sa.Lifetime)
	p.soft = c.rekeyAt(p)
	if sa.Role == Initiator {
		c.waiting = false
	}
	c.why, c.retry = nil, time.Time{}
	c.settle(p)
	if first {
		c.upAt = c.now
	}
	c.use()
	c.emit(ChildReport{SA: sa, First: first})
	for len(c.pairs) > maxPairs {
		c.drop(c.pairs[0], true)
	}
}

// settle decides what becomes of the others when an SA has come up. One that was
// there before its negotiation began is what it replaces: whoever began it deletes
// that. One that was negotiated at the same time has to go, or this one: the one
// with the lowest SPI, deleted by the side that began it.
func (c *Child) settle(p *childPair) {
	for _, o := range c.pairs {
		switch {
		case o == p || o.up.IsZero():
		case p.sa.Role == Initiator && o.nth <= c.asked, p.sa.Role == Responder && o.up.Before(p.sa.Began):
			switch {
			case p.sa.Role == Initiator:
				c.retireLater(o, retireAfter)
			case o.sa.Role == Initiator:
				// The peer may not know that it has replaced ours: for it
				// both may have been negotiated at the same time.
				c.retireLater(o, supersededAfter)
			}
		default:
			loser := p
			if o.sa.lowestSPI() < p.sa.lowestSPI() {
				loser = o
			}
			loser.lost = true
			if loser.sa.Role == Initiator {
				c.retireLater(loser, retireAfter)
			}
		}
	}
}

func (c *Child) retireLater(p *childPair, after time.Duration) {
	if at := c.now.Add(after); p.retire.IsZero() || at.Before(p.retire) {
		p.retire = at
	}
}

// lowestSPI is the lowest of both directions.
func (c *ChildSA) lowestSPI() uint32 {
	lowest := c.Pairs[0].In.SPI
	for _, p := range c.Pairs {
		lowest = min(lowest, p.In.SPI, p.Out.SPI)
	}
	return lowest
}

// use sends on the SA that counts.
func (c *Child) use() {
	p := c.current()
	if p == nil {
		c.using = 0
		return
	}
	if spi := p.sa.SPI(); spi != c.using {
		c.using = spi
		c.emit(ChildUse{SA: p.sa})
	}
}

// failed takes the end of a negotiation: ours, or one of the peer's that got as far
// as receiving.
func (c *Child) failed(ev ChildFailed) {
	if p := c.find(ev.SPI); p != nil && p.up.IsZero() {
		c.drop(p, false)
	}
	if ev.Role == Responder {
		return
	}
	c.waiting = false
	c.why = ev.Err
	if p := c.current(); p != nil {
		// It holds as long as it holds: try again before it ends.
		if at := c.now.Add(retryAfter); at.Before(p.hard) {
			c.retry = at
		}
		return
	}
	c.emit(ChildEnded{Err: ev.Err})
}

// drop ends an SA; tell says that the peer has to hear of it.
func (c *Child) drop(p *childPair, tell bool) {
	c.pairs = slices.DeleteFunc(c.pairs, func(o *childPair) bool { return o == p })
	c.bytes += p.bytes
	if tell {
		c.emit(ChildFarewell{SPIs: p.sa.Inbound()})
	}
	c.emit(ChildUninstall{SA: p.sa})
	c.use()
}

// ended tells that the last SA is gone.
func (c *Child) ended(err error) {
	if len(c.pairs) > 0 && c.current() != nil {
		return
	}
	c.why = err
	c.upAt, c.bytes = time.Time{}, 0
	c.emit(ChildEnded{Err: err, WasUp: true})
}

// errPeerDeleted is the peer's DELETE.
var errPeerDeleted = errors.New("deleted by the peer")

// deleted ends the SA that the peer no longer receives on.
func (c *Child) deleted(spi ChildSPI) {
	for _, p := range c.pairs {
		if p.sa.sends(spi) {
			wasUp := !p.up.IsZero()
			c.drop(p, false)
			if wasUp {
				c.ended(errPeerDeleted)
			}
			return
		}
	}
}

// remove ends everything.
func (c *Child) remove(err error, tell bool) {
	wasUp := c.current() != nil
	for len(c.pairs) > 0 {
		c.drop(c.pairs[0], tell)
	}
	c.waiting, c.retry = false, time.Time{}
	if wasUp {
		c.ended(err)
		return
	}
	c.why = err
	c.emit(ChildEnded{Err: err})
}
