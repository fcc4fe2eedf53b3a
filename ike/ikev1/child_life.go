package ikev1

import (
	"encoding/binary"
	"errors"
	"time"
)

// The reasons for which a Child ends by itself.
var (
	errSAExpired     = errors.New("its lifetime is over, and no newer SA took its place")
	errSizeReached   = errors.New("its life size is used up, and no newer SA took its place")
	errTunnelExpired = errors.New("the tunnel's lifetime is over")
	errTunnelSize    = errors.New("the tunnel's life size is used up")
)

// rekeyAt draws the time at which this side replaces an SA: within the overlap
// before its end. The side that negotiated it is early, the other late, so that
// one mostly comes before the other; and of many tunnels not all are due at once.
func (c *Child) rekeyAt(p *childPair) time.Time {
	if !c.cfg.MayNegotiate {
		return time.Time{}
	}
	overlap := p.sa.Lifetime * time.Duration(c.cfg.Overlap) / 100
	block := c.seed.block()
	quarter := overlap / 4
	jitter := time.Duration(0)
	if quarter > 0 {
		jitter = time.Duration(binary.BigEndian.Uint64(block[:8]) % uint64(quarter))
	}
	before := overlap - jitter // the first quarter of the overlap
	if p.sa.Role == Responder {
		before = overlap/2 - jitter // the third one
	}
	return p.hard.Add(-before)
}

// softSize is the number of bytes at which an SA is replaced; 0 where its size
// does not count.
func (c *Child) softSize(sa *ChildSA) uint64 {
	return uint64(sa.LifeKB) * kilobyte * uint64(100-c.cfg.Overlap) / 100
}

// hardSize is the number of bytes at which an SA ends, by its own life size or by
// the tunnel's; 0 where size does not count.
func (c *Child) hardSize(sa *ChildSA) uint64 {
	own, tunnel := uint64(sa.LifeKB)*kilobyte, uint64(c.cfg.TunnelKB)*kilobyte
	if tunnel == 0 {
		return own
	}
	// What is used up already is told by the SA before this one.
	left := tunnel - min(tunnel-1, c.total())
	if own == 0 {
		return left
	}
	return min(own, left)
}

// total is how much the tunnel has carried.
func (c *Child) total() uint64 {
	total := c.bytes
	for _, p := range c.pairs {
		total += p.bytes
	}
	return total
}

// wakeAt returns when the Child wants to be woken.
func (c *Child) wakeAt() time.Time {
	first := earliest(c.retry, c.TunnelExpires())
	for _, p := range c.pairs {
		first = earliest(first, p.hard, p.retire)
	}
	if p := c.current(); p != nil && !c.waiting && c.retry.IsZero() {
		first = earliest(first, p.soft)
	}
	return first
}

// due reports whether a time has come.
func (c *Child) due(at time.Time) bool { return !at.IsZero() && !c.now.Before(at) }

// expire acts on the times that have come, the most final first.
func (c *Child) expire() {
	if c.due(c.TunnelExpires()) {
		c.remove(errTunnelExpired, true)
		return
	}
	for i := 0; i < len(c.pairs); {
		p := c.pairs[i]
		switch {
		case c.due(p.hard):
			c.end(p, errSAExpired)
		case c.due(p.retire) && p != c.current():
			c.end(p, errSAExpired)
		case c.due(p.retire):
			// What was to take its place is gone: it stays.
			p.retire, p.lost = time.Time{}, false
			i++
		default:
			i++
		}
	}
	if p := c.current(); p != nil && !c.waiting && (c.due(c.retry) || c.retry.IsZero() && c.due(p.soft)) {
		c.negotiate()
	}
}

// end drops an SA that was used as long as it may be.
func (c *Child) end(p *childPair, why error) {
	wasUp := !p.up.IsZero()
	c.drop(p, true)
	if wasUp {
		c.ended(why)
	}
}

// shorten takes over what the peer says of the life of an SA.
func (c *Child) shorten(ev ChildLife) {
	p := c.find(ev.SPI)
	if p == nil || p.up.IsZero() {
		return
	}
	if ev.Lifetime > 0 && ev.Lifetime < p.sa.Lifetime {
		p.sa.Lifetime = ev.Lifetime
		p.hard = p.up.Add(ev.Lifetime)
		p.soft = c.rekeyAt(p)
	}
	if ev.LifeKB > 0 && (p.sa.LifeKB == 0 || ev.LifeKB < p.sa.LifeKB) {
		p.sa.LifeKB = ev.LifeKB
	}
}

// counted notes how much an SA has carried.
func (c *Child) counted(ev ChildCounted) {
	p := c.find(ev.SPI)
	if p == nil || p.up.IsZero() {
		return
	}
	p.bytes = ev.Bytes
	switch limit := uint64(p.sa.LifeKB) * kilobyte; {
	case c.cfg.TunnelKB != 0 && c.total() >= uint64(c.cfg.TunnelKB)*kilobyte:
		c.remove(errTunnelSize, true)
	case limit != 0 && p.bytes >= limit:
		c.end(p, errSizeReached)
	case limit != 0 && p.bytes >= c.softSize(p.sa) && p == c.current() && c.retry.IsZero():
		c.negotiate()
	}
}
