package iketest

import (
	"fmt"
	"slices"
	"sync"

	"keyman/ike"
	"keyman/ike/ikev1"
)

// A DataPlane records what an engine asks for and carries no packet. It refuses
// what a real one could not do: an SPI twice, an SA that is not installed. The zero
// value is not usable: NewDataPlane makes one.
type DataPlane struct {
	events chan ike.DataEvent

	mu     sync.Mutex // guards what follows
	sas    map[uint32]*Installed
	using  map[string]uint32 // by tunnel and traffic
	traps  []ike.DataTrap
	refuse error
	faults []string
	closed bool
}

// Installed is an SA that a DataPlane holds. The keys are copies.
type Installed struct {
	ike.DataSA
	Used     bool // packets go out by it
	Counters ike.DataCounters
}

// NewDataPlane makes a DataPlane without SAs.
func NewDataPlane() *DataPlane {
	return &DataPlane{events: make(chan ike.DataEvent, queue), sas: make(map[uint32]*Installed), using: make(map[string]uint32)}
}

// Refuse has Install fail from now on; nil ends that.
func (p *DataPlane) Refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = err
}

// fault notes what an engine must not ask for, and refuses it.
func (p *DataPlane) fault(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	p.faults = append(p.faults, err.Error())
	return err
}

// Faults returns what was asked for and must not be.
func (p *DataPlane) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// flow names the traffic of an SA.
func flow(sa ike.DataSA) string {
	return fmt.Sprintf("%s %s %v %v", sa.Tunnel, sa.Peer, sa.Local, sa.Remote)
}

// Install records an SA.
func (p *DataPlane) Install(sa ike.DataSA) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	spi := sa.SA.SPI()
	switch {
	case p.closed:
		return p.fault("an SA after Close")
	case p.refuse != nil:
		return p.refuse
	case p.sas[spi] != nil:
		return p.fault("SPI %08x twice", spi)
	}
	sa.SA = sa.SA.Clone()
	p.sas[spi] = &Installed{DataSA: sa}
	return nil
}

// Use records that packets go out by an SA.
func (p *DataPlane) Use(spi uint32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	sa := p.sas[spi]
	if sa == nil {
		return p.fault("use of SPI %08x, which is not installed", spi)
	}
	key := flow(sa.DataSA)
	if before := p.sas[p.using[key]]; before != nil {
		before.Used = false
	}
	sa.Used, p.using[key] = true, spi
	return nil
}

// Remove forgets an SA.
func (p *DataPlane) Remove(spi uint32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	sa := p.sas[spi]
	if sa == nil {
		return p.fault("removal of SPI %08x, which is not installed", spi)
	}
	if key := flow(sa.DataSA); p.using[key] == spi {
		delete(p.using, key)
	}
	delete(p.sas, spi)
	return nil
}

// Trap records traffic that starts its tunnel.
func (p *DataPlane) Trap(t ike.DataTrap) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = append(p.traps, t)
	return nil
}

// Acquire tells that a packet waits for a trapped tunnel.
func (p *DataPlane) Acquire(tunnel string) {
	p.events <- ike.DataEvent{Kind: ike.DataAcquire, Tunnel: tunnel}
}

// Carry counts bytes that came in by an SA, and tells where they reach what the
// engine wants to know.
func (p *DataPlane) Carry(spi uint32, bytes uint64) {
	p.mu.Lock()
	sa := p.sas[spi]
	if sa == nil {
		p.mu.Unlock()
		return
	}
	before := sa.Counters.BytesIn
	sa.Counters.BytesIn += bytes
	sa.Counters.PacketsIn++
	after := sa.Counters.BytesIn
	p.mu.Unlock()
	for _, at := range [...]uint64{sa.SoftBytes, sa.HardBytes} {
		if at != 0 && before < at && after >= at {
			p.events <- ike.DataEvent{Kind: ike.DataBytes, SPI: spi, Bytes: after}
		}
	}
}

// Counters returns what Carry counted.
func (p *DataPlane) Counters(spi uint32) (ike.DataCounters, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sa := p.sas[spi]
	if sa == nil {
		return ike.DataCounters{}, p.fault("counters of SPI %08x, which is not installed", spi)
	}
	return sa.Counters, nil
}

// Events delivers what Acquire and Carry tell.
func (p *DataPlane) Events() <-chan ike.DataEvent { return p.events }

// Close ends Events.
func (p *DataPlane) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.events)
	}
	return nil
}

// Installed returns the SAs that are there, in order of their SPIs.
func (p *DataPlane) Installed() []Installed {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Installed, 0, len(p.sas))
	for _, sa := range p.sas {
		all = append(all, *sa)
	}
	slices.SortFunc(all, func(a, b Installed) int { return int(int64(a.SA.SPI()) - int64(b.SA.SPI())) })
	return all
}

// Traps returns the traffic that starts its tunnel.
func (p *DataPlane) Traps() []ike.DataTrap {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.traps)
}

// Disagreement compares the SAs of both ends of a network: what one sends by, the
// other must receive by, under the same keys and algorithms, for the same traffic.
// It returns what does not fit, or "".
func Disagreement(a, b *DataPlane) string {
	left, right := a.Installed(), b.Installed()
	if len(left) != len(right) {
		return fmt.Sprintf("%d SAs at one end, %d at the other", len(left), len(right))
	}
	for _, l := range left {
		i := slices.IndexFunc(right, func(r Installed) bool { return r.SA.SPI() == l.SA.Pairs[0].Out.SPI })
		if i < 0 {
			return fmt.Sprintf("nobody receives what is sent under %08x", l.SA.Pairs[0].Out.SPI)
		}
		r := right[i]
		if !l.Local.Same(r.Remote) || !l.Remote.Same(r.Local) {
			return fmt.Sprintf("%v to %v at one end, %v to %v at the other", l.Local, l.Remote, r.Local, r.Remote)
		}
		if text := pairsDiffer(l.SA, r.SA); text != "" {
			return text
		}
	}
	return ""
}

// pairsDiffer compares algorithms and keys.
func pairsDiffer(a, b *ikev1.ChildSA) string {
	if len(a.Pairs) != len(b.Pairs) {
		return fmt.Sprintf("%d protocols at one end, %d at the other", len(a.Pairs), len(b.Pairs))
	}
	same := func(x, y ikev1.OneWay) bool {
		return x.SPI == y.SPI && x.Encryption.Equal(y.Encryption) && x.Integrity.Equal(y.Integrity)
	}
	for i, p := range a.Pairs {
		q := b.Pairs[i]
		switch {
		case p.Algorithms != q.Algorithms || p.Encapsulation != q.Encapsulation:
			return fmt.Sprintf("%v %v at one end, %v %v at the other", p.Algorithms, p.Encapsulation, q.Algorithms, q.Encapsulation)
		case !same(p.Out, q.In), !same(p.In, q.Out):
			return fmt.Sprintf("the keys of %08x differ", p.In.SPI)
		case p.Algorithms.KeyLen() > 0 && same(p.In, ikev1.OneWay{SPI: p.In.SPI, Encryption: p.Out.Encryption, Integrity: p.Out.Integrity}):
			return fmt.Sprintf("both directions of %08x have one key", p.In.SPI)
		}
	}
	return ""
}
