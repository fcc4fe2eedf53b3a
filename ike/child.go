package ike

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A peerKey is one peer of a phase 1 tunnel. The peer is empty where it has not
// been met yet.
type peerKey struct {
	tunnel, peer string
}

// A child is a phase 2 tunnel with one peer. The engine's goroutine owns it.
type child struct {
	id            uint64
	data          ikedb.DataTunnel
	def           *definition // of the phase 1 tunnel that carries it
	key           peerKey
	local, remote ikedb.Selector
	core          *ikev1.Child
	alarm         alarm
	spis          map[uint32]bool // ours, of negotiations too; true where the data plane holds it
	started       time.Time
	queued        bool // it waits for a phase 1
	waiting       []chan<- ChildStatus
}

// maxChildrenPerPeer bounds the phase 2 tunnels of one peer: definitions that are
// for any traffic let it choose.
const maxChildrenPerPeer = 256

// children are the phase 2 tunnels that have an SA or a negotiation.
type children struct {
	byPeer map[peerKey][]*child
	byData map[string][]*child
	bySPI  map[uint32]*child // by our own SPIs, of negotiations too
	queue  map[*definition][]*child
	last   map[string]ChildStatus // how each data tunnel ended last
}

func newChildren() children {
	return children{
		byPeer: make(map[peerKey][]*child), byData: make(map[string][]*child), bySPI: make(map[uint32]*child),
		queue: make(map[*definition][]*child), last: make(map[string]ChildStatus),
	}
}

// add takes a phase 2 tunnel into the indexes.
func (cs *children) add(c *child) {
	cs.byPeer[c.key] = append(cs.byPeer[c.key], c)
	cs.byData[c.data.Name] = append(cs.byData[c.data.Name], c)
}

// remove takes it out.
func (cs *children) remove(c *child) {
	without[peerKey](cs.byPeer, c.key, c)
	without[string](cs.byData, c.data.Name, c)
}

// without removes a value from a list in a map, and a list that has become empty.
func without[K comparable, V comparable](m map[K][]V, key K, value V) {
	list := slices.DeleteFunc(m[key], func(v V) bool { return v == value })
	if len(list) == 0 {
		delete(m, key)
		return
	}
	m[key] = list
}

// move notes who the peer is.
func (cs *children) move(c *child, key peerKey) {
	if c.key == key {
		return
	}
	without[peerKey](cs.byPeer, c.key, c)
	c.key = key
	cs.byPeer[key] = append(cs.byPeer[key], c)
}

// of returns those that a phase 1 tunnel carries.
func (cs *children) of(d *definition) []*child {
	var all []*child
	for key, list := range cs.byPeer {
		if key.tunnel == d.tunnel.Name {
			all = append(all, list...)
		}
	}
	return all
}

// newSPI draws an SPI that nothing here uses.
func (cs *children) newSPI(c *child) (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
			return 0, err
		}
		spi := binary.BigEndian.Uint32(b[:])
		if spi >= isakmp.MinIPsecSPI && cs.bySPI[spi] == nil {
			cs.bySPI[spi], c.spis[spi] = c, false
			return spi, nil
		}
	}
}

// freeSPI gives one back.
func (cs *children) freeSPI(c *child, spi uint32) {
	delete(cs.bySPI, spi)
	delete(c.spis, spi)
}

// key is the session's peer.
func (s *session) key() peerKey { return peerKey{s.name(), s.peerID} }

// newChild makes a phase 2 tunnel without SAs.
func (e *Engine) newChild(d *definition, data ikedb.DataTunnel, key peerKey) (*child, error) {
	p, _ := e.db.DataProtection(data.Protection)
	cfg := ikev1.ChildConfig{
		MayNegotiate: p.MayInitiate(), Overlap: p.KeyOverlap,
		TunnelLifetime: p.TunnelLifetime, TunnelKB: p.TunnelKB,
	}
	if _, err := io.ReadFull(rand.Reader, cfg.Seed[:]); err != nil {
		return nil, err
	}
	e.nextID++
	c := &child{
		id: e.nextID, data: data, def: d, key: key,
		local: data.Local, remote: data.Remote.Selector, core: ikev1.NewChild(cfg),
		spis: make(map[uint32]bool), started: time.Now(),
	}
	c.alarm.ring = func() { e.handleChild(c, ikev1.Timer{}) }
	e.children.add(c)
	delete(e.children.last, data.Name)
	return c, nil
}

// childPolicy makes what a quick mode is negotiated by. An initiator asks for one
// group of perfect forward secrecy, a responder may take several.
func (e *Engine) childPolicy(data ikedb.DataTunnel, local, remote ikedb.Selector, role ikev1.Role) *ikev1.ChildPolicy {
	p, _ := e.db.DataProtection(data.Protection)
	policy := &ikev1.ChildPolicy{
		Name: data.Name, Local: selectorID(local), Remote: selectorID(remote), Commit: p.CommitBit,
		Groups:      []suite.Group{p.PFS},
		MinLifetime: p.Responder.MinLifetime, MaxLifetime: p.Responder.MaxLifetime,
		MinLifeKB: p.Responder.MinKB, MaxLifeKB: p.Responder.MaxKB,
	}
	if role == ikev1.Responder {
		policy.Groups = p.AcceptPFS
	}
	for _, proposal := range e.db.Proposals(p) {
		policy.Proposals = append(policy.Proposals, ikev1.ChildProposal{ESP: dataOffers(proposal.ESP), AH: dataOffers(proposal.AH)})
	}
	return policy
}

// dataOffers turns the transforms of a definition into those of a negotiation.
func dataOffers(transforms []ikedb.DataTransform) []suite.IPsecOffer {
	offers := make([]suite.IPsecOffer, 0, len(transforms))
	for _, t := range transforms {
		offers = append(offers, suite.IPsecOffer{IPsec: t.IPsec, Encapsulation: t.Encapsulation, Lifetime: t.Lifetime, LifeKB: t.LifeKB})
	}
	return offers
}

// selectorID writes a selector as quick mode does. One without an endpoint is the
// host itself.
func selectorID(s ikedb.Selector) isakmp.Identification {
	if s.Endpoint.IsZero() {
		return isakmp.Identification{Protocol: s.Protocol, Port: s.Port}
	}
	return *s.Payload()
}

// atHost puts an address in where a selector names no endpoint.
func atHost(s ikedb.Selector, addr netip.Addr) ikedb.Selector {
	if s.Endpoint.IsZero() {
		if endpoint, err := ikedb.HostEndpoint(addr.Unmap()); err == nil {
			s.Endpoint = endpoint
		}
	}
	return s
}

// handleChild feeds an event to a phase 2 tunnel.
func (e *Engine) handleChild(c *child, ev ikev1.ChildEvent) {
	e.schedule(func() { e.performChild(c, c.core.Handle(time.Now(), ev)) })
}

// performChild carries out what a phase 2 tunnel wants.
func (e *Engine) performChild(c *child, effects []ikev1.ChildEffect) {
	for _, effect := range effects {
		switch f := effect.(type) {
		case ikev1.SetTimer:
			e.timers.set(&c.alarm, f.At)
		case ikev1.ChildNegotiate:
			e.negotiateChild(c)
		case ikev1.ChildInstall:
			if !e.taken(c, e.install(c, f)) {
				return
			}
		case ikev1.ChildUse:
			if e.plane != nil && !e.taken(c, e.plane.Use(f.SA.SPI())) {
				return
			}
		case ikev1.ChildUninstall:
			e.uninstall(c, f.SA)
		case ikev1.ChildFarewell:
			if s := e.carrier(c); s != nil {
				e.handle(s, ikev1.DeleteChild(f))
			}
		case ikev1.ChildReport:
			e.childUp(c, f)
		case ikev1.ChildEnded:
			e.childEnded(c, f)
		}
	}
}

// install hands an SA to the data plane.
func (e *Engine) install(c *child, f ikev1.ChildInstall) error {
	local, err := ikedb.SelectorFromPayload(&f.SA.Local)
	if err == nil {
		c.local = local
		c.remote, err = ikedb.SelectorFromPayload(&f.SA.Remote)
	}
	if err == nil && e.plane != nil {
		err = e.plane.Install(DataSA{
			Tunnel: c.data.Name, Peer: c.key.peer, Local: c.local, Remote: c.remote,
			SA: f.SA, SoftBytes: f.SoftBytes, HardBytes: f.HardBytes,
		})
	}
	if err == nil {
		c.spis[f.SA.SPI()] = true
	}
	return err
}

// taken reports whether the data plane did what was asked; otherwise it ends the
// tunnel.
func (e *Engine) taken(c *child, err error) bool {
	if err != nil {
		e.handleChild(c, ikev1.ChildRemove{Reason: "the data plane: " + err.Error()})
	}
	return err == nil
}

// uninstall takes an SA from the data plane and wipes its keys.
func (e *Engine) uninstall(c *child, sa *ikev1.ChildSA) {
	held := c.spis[sa.SPI()]
	e.children.freeSPI(c, sa.SPI())
	if e.plane != nil && held {
		if err := e.plane.Remove(sa.SPI()); err != nil {
			e.logger.Warn("the data plane does not let go of an SA", "tunnel", c.data.Name, "error", err)
		}
	}
	sa.Wipe()
}

// carrier returns the phase 1 under which a phase 2 tunnel's peer is spoken to: the
// newest, or nil.
func (e *Engine) carrier(c *child) *session {
	var found *session
	for _, s := range e.active[c.key] {
		if s.sa.State() == ikev1.StateEstablished && (found == nil || s.upAt.After(found.upAt)) {
			found = s
		}
	}
	if found == nil && c.key.peer == "" {
		// It was asked for here before the peer was met; the definition has
		// one peer.
		for _, s := range e.sessions {
			if s.def == c.def && s.state == TunnelActive && (found == nil || s.upAt.After(found.upAt)) {
				found = s
			}
		}
	}
	return found
}

// negotiateChild begins a quick mode, under a phase 1 that is there, or waits for
// one that is made for it.
func (e *Engine) negotiateChild(c *child) {
	s := e.carrier(c)
	if s == nil {
		if !c.queued {
			c.queued = true
			e.children.queue[c.def] = append(e.children.queue[c.def], c)
		}
		if _, err := e.activate(c.def, nil); err != nil {
			e.unqueue(c.def, err)
		}
		return
	}
	spi, err := e.children.newSPI(c)
	if err != nil {
		e.handleChild(c, ikev1.ChildFailed{Role: ikev1.Initiator, Err: err})
		return
	}
	e.children.move(c, s.key())
	path := s.sa.Path()
	policy := e.childPolicy(c.data, atHost(c.data.Local, path.Local.Addr()), atHost(c.data.Remote.Selector, path.Remote.Addr()), ikev1.Initiator)
	e.handle(s, ikev1.Negotiate{Policy: policy, SPI: spi})
}

// unqueue lets the phase 2 tunnels go on that waited for a phase 1, or fails them.
func (e *Engine) unqueue(d *definition, err error) {
	queue := e.children.queue[d]
	delete(e.children.queue, d)
	for _, c := range queue {
		c.queued = false
		if err != nil {
			e.handleChild(c, ikev1.ChildFailed{Role: ikev1.Initiator, Err: fmt.Errorf("no phase 1: %w", err)})
			continue
		}
		e.schedule(func() { e.negotiateChild(c) })
	}
}

// errNoData is traffic that no definition is for.
type errNoData struct {
	local, remote ikedb.Selector
	tunnel        string
}

func (e errNoData) Error() string {
	return fmt.Sprintf("the peer wants to protect %v here and %v there, for which tunnel %q has no phase 2", e.local, e.remote, e.tunnel)
}

// childOffered answers what a peer asks in quick mode.
func (e *Engine) childOffered(s *session, f ikev1.ChildOffered) {
	terms := ikev1.Terms{Exchange: f.Exchange}
	c, err := e.childFor(s, f)
	if err == nil {
		terms.SPI, err = e.children.newSPI(c)
	}
	switch missing := (errNoData{}); {
	case errors.As(err, &missing):
		e.publish(s, Event{Kind: EventDataFailed, Text: err.Error()})
	case err != nil:
		terms.Err = err
	default:
		terms.Policies = []*ikev1.ChildPolicy{e.childPolicy(c.data, c.local, c.remote, ikev1.Responder)}
	}
	e.handle(s, terms)
}

// childFor finds or makes the phase 2 tunnel that a peer asks for.
func (e *Engine) childFor(s *session, f ikev1.ChildOffered) (*child, error) {
	local, err := ikedb.SelectorFromPayload(&f.Local)
	if err != nil {
		return nil, err
	}
	remote, err := ikedb.SelectorFromPayload(&f.Remote)
	if err != nil {
		return nil, err
	}
	data, ok := e.matchData(s, local, remote)
	if !ok {
		return nil, errNoData{local, remote, s.name()}
	}
	path := s.sa.Path()
	for _, c := range append(slices.Clone(e.children.byPeer[s.key()]), e.children.byPeer[peerKey{s.name(), ""}]...) {
		if c.data.Name == data.Name && atHost(c.local, path.Local.Addr()).Same(local) && atHost(c.remote, path.Remote.Addr()).Same(remote) {
			e.children.move(c, s.key())
			return c, nil
		}
	}
	if n := len(e.children.byPeer[s.key()]); n >= maxChildrenPerPeer {
		return nil, fmt.Errorf("the peer has %d phase 2 tunnels: it may have no more", n)
	}
	c, err := e.newChild(s.def, data, s.key())
	if err == nil {
		c.local, c.remote = local, remote
	}
	return c, err
}

// matchData finds the definition of what a peer asks for. Those that name no
// endpoint are for the host that negotiates, whose address is known only now.
func (e *Engine) matchData(s *session, local, remote ikedb.Selector) (ikedb.DataTunnel, bool) {
	path := s.sa.Path()
	for _, d := range e.db.DataTunnelsOf(s.name()) {
		p, _ := e.db.DataProtection(d.Protection)
		hosts := d.Local.Endpoint.IsZero() || d.Remote.Endpoint.IsZero() && d.Remote.Group == ""
		if hosts && p.MayRespond() && atHost(d.Local, path.Local.Addr()).Same(local) && atHost(d.Remote.Selector, path.Remote.Addr()).Same(remote) {
			return d, true
		}
	}
	return e.db.MatchData(s.def.tunnel, local, remote)
}

// childKeyed passes on what became of a quick mode.
func (e *Engine) childKeyed(s *session, sa *ikev1.ChildSA, ev ikev1.ChildEvent) {
	c := e.children.bySPI[sa.SPI()]
	if c == nil {
		// Its tunnel was removed meanwhile.
		e.handle(s, ikev1.DeleteChild{SPIs: sa.Inbound()})
		sa.Wipe()
		return
	}
	e.children.move(c, s.key())
	e.handleChild(c, ev)
}

// childFailed passes on the end of a quick mode without an SA.
func (e *Engine) childFailed(s *session, f ikev1.ChildFailed) {
	c := e.children.bySPI[f.SPI]
	if c == nil {
		return
	}
	if !c.spis[f.SPI] {
		e.children.freeSPI(c, f.SPI)
	}
	if f.Role == ikev1.Responder {
		e.publish(s, Event{Kind: EventDataFailed, Data: c.data.Name, Text: "the peer's quick mode failed: " + f.Err.Error()})
	}
	e.handleChild(c, f)
	e.schedule(func() {
		// Nothing else would end a tunnel that the peer alone asked for.
		if len(c.core.SAs()) == 0 && c.core.State() == ikev1.ChildIdle {
			st := e.childStatus(c)
			st.State, st.Ended, st.Error = TunnelFailed, time.Now(), f.Err.Error()
			e.forgetChild(c, st)
		}
	})
}

// childrenOf passes an event on to the phase 2 tunnels of a session's peer.
func (e *Engine) childrenOf(s *session, ev ikev1.ChildEvent) {
	for _, c := range slices.Clone(e.children.byPeer[s.key()]) {
		e.handleChild(c, ev)
	}
}
