package ike

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
)

// packet finds the session of a message, or begins one.
func (e *Engine) packet(p Packet) {
	h, err := isakmp.ParseHeader(p.Data)
	if err != nil {
		return // not worth an answer, nor a log line for each
	}
	e.stats.Received++
	if s := e.sessionOf(h, p.Path.Remote); s != nil {
		e.handle(s, ikev1.Datagram{Path: p.Path, Data: p.Data})
		return
	}
	mode, known := modes[h.Exchange]
	if known && h.Responder.IsZero() && h.MessageID == 0 && h.Next == isakmp.PayloadSA && !h.Encrypted() && !h.Initiator.IsZero() {
		e.respond(p, h, mode)
	}
}

// modes are the exchanges that make an SA.
var modes = map[isakmp.ExchangeType]ikedb.Mode{isakmp.IdentityProtection: ikedb.ModeMain, isakmp.Aggressive: ikedb.ModeAggressive}

// sessionOf finds the session that a message is for.
func (e *Engine) sessionOf(h isakmp.Header, remote netip.AddrPort) *session {
	if s, ok := e.cookies[h.Initiator]; ok && s.sa.Role() == ikev1.Initiator {
		return s
	}
	if h.Responder.IsZero() {
		return e.openers[opener{h.Initiator, remote}]
	}
	if s, ok := e.cookies[h.Responder]; ok && s.sa.Role() == ikev1.Responder {
		return s
	}
	return nil
}

// respond begins a negotiation that a peer asks for.
func (e *Engine) respond(p Packet, h isakmp.Header, mode ikedb.Mode) {
	remote := p.Path.Remote
	defs := e.responders(p.Path, mode)
	if len(defs) == 0 {
		e.logger.Debug("no tunnel is defined for this peer", "peer", remote, "mode", mode)
		return
	}
	from := opener{h.Initiator, remote}
	// Tunnels for the peer's address come first.
	named := defs[0].tunnel.Remote.Address.IsValid()
	if len(e.sessions) >= e.cfg.MaxSessions || mode == ikedb.ModeAggressive && !e.admission.admit(time.Now(), from, named) {
		e.turnAway(remote)
		return
	}
	s, err := e.responder(p, h, defs, mode)
	if s == nil {
		if mode == ikedb.ModeAggressive {
			e.admission.done(from, named)
		}
		if err != nil {
			e.logger.Error("a negotiation could not begin", "peer", remote, "error", err)
		}
		return
	}
	s.admitted, s.named = mode == ikedb.ModeAggressive, named
	s.opener = from
	e.openers[s.opener] = s
	e.pending.add(s)
	e.report(s, EventStarted, "the peer "+remote.String()+" asks for a negotiation", nil)
	e.handle(s, ikev1.Datagram{Path: p.Path, Data: p.Data})
}

// responders returns the tunnels by which a peer may be answered in a mode.
func (e *Engine) responders(path ikev1.Path, mode ikedb.Mode) []*definition {
	var defs []*definition
	for _, t := range e.db.Responders(path.Local.Addr(), path.Remote.Addr()) {
		d := e.defs[t.Name]
		if mode == ikedb.ModeMain && e.cfg.MainModeRequiresIP && !e.db.HasAddresses(t, path.Remote.Addr()) {
			continue
		}
		if d.speaks(mode) {
			defs = append(defs, d)
		}
	}
	return defs
}

// responder makes a session that answers a first message; nil where there is no
// room for one, or no preshared key for the peer's address.
func (e *Engine) responder(p Packet, h isakmp.Header, defs []*definition, mode ikedb.Mode) (*session, error) {
	remote := p.Path.Remote
	var policies []*ikev1.Policy
	for _, d := range defs {
		if policy, ok := e.policy(d, mode, remote.Addr()); ok {
			policies = append(policies, policy)
		}
	}
	if len(policies) == 0 {
		e.logger.Debug("there is no preshared key for this peer", "peer", remote)
		return nil, nil
	}
	if !e.makeRoom(sourceOf(remote.Addr()), mode) {
		e.turnAway(remote)
		return nil, nil
	}
	return e.newSession(ikev1.Config{Role: ikev1.Responder, Mode: h.Exchange, Policies: policies, Path: p.Path})
}

// turnAway notes that a peer is not answered because there are too many.
func (e *Engine) turnAway(remote netip.AddrPort) {
	e.stats.TurnedAway++
	if now := time.Now(); now.Sub(e.floodedAt) > floodNotice {
		e.floodedAt = now
		e.logger.Warn("too many negotiations: peers are not answered", "peer", remote, "pending", e.pending.all.Len())
	}
}

// newSession makes an SA and its place in the engine.
func (e *Engine) newSession(cfg ikev1.Config) (*session, error) {
	for cfg.Cookie.IsZero() {
		if _, err := io.ReadFull(rand.Reader, cfg.Cookie[:]); err != nil {
			return nil, err
		}
	}
	if _, err := io.ReadFull(rand.Reader, cfg.Seed[:]); err != nil {
		return nil, err
	}
	cfg.Timing, cfg.ForceNATT, cfg.FragmentSize, cfg.Describe = e.cfg.Timing, e.cfg.ForceNATT, e.cfg.FragmentSize, describeID
	cfg.ExportKeys = e.cfg.DebugKeys != nil
	sa, err := ikev1.New(cfg)
	if err != nil {
		return nil, err
	}
	e.nextID++
	s := &session{id: e.nextID, sa: sa, state: TunnelNegotiating, started: time.Now()}
	s.alarm.ring = func() { e.handle(s, ikev1.Timer{}) }
	s.ctx, s.cancel = context.WithCancel(e.ctx)
	e.sessions[s.id] = s
	e.cookies[cfg.Cookie] = s
	return s, nil
}

// activate begins a negotiation, or joins the one that is under way; waiter, if
// not nil, is told how it ends.
func (e *Engine) activate(d *definition, waiter chan<- Status) (Status, error) {
	for _, s := range e.sessions {
		if s.def == d && (s.state == TunnelActive || s.state == TunnelNegotiating && s.sa.Role() == ikev1.Initiator) {
			if s.state == TunnelNegotiating && waiter != nil {
				s.waiting = append(s.waiting, waiter)
			} else if waiter != nil {
				waiter <- e.status(s)
			}
			return e.status(s), nil
		}
	}
	t := d.tunnel
	if err := e.db.CanInitiate(t); err != nil {
		return Status{}, err
	}
	if len(e.sessions) >= e.cfg.MaxSessions {
		return Status{}, fmt.Errorf("%w: there are %d", ErrTooMany, len(e.sessions))
	}
	mode, exchange := ikedb.ModeMain, isakmp.IdentityProtection
	if d.protection.Mode == ikedb.ModeAggressive {
		mode, exchange = ikedb.ModeAggressive, isakmp.Aggressive
	}
	policy, ok := e.policy(d, mode, t.Remote.Address)
	if !ok {
		return Status{}, fmt.Errorf("tunnel %q: no preshared key for %v", t.Name, t.Remote.Address)
	}
	path, natt := e.path(t, false), e.path(t, true)
	if !path.Local.IsValid() {
		return Status{}, fmt.Errorf("tunnel %q: there is no way to %v from here", t.Name, t.Remote.Address)
	}
	s, err := e.newSession(ikev1.Config{
		Role: ikev1.Initiator, Mode: exchange, Policies: []*ikev1.Policy{policy},
		Path: path, NATTPath: natt, InitialContact: true,
	})
	if err != nil {
		return Status{}, err
	}
	s.def = d
	if waiter != nil {
		s.waiting = append(s.waiting, waiter)
	}
	delete(e.last, t.Name)
	e.report(s, EventStarted, "negotiating with "+path.Remote.String(), nil)
	e.handle(s, ikev1.Start{})
	return e.status(s), nil
}

// path is the way to a tunnel's peer; the zero Path where there is none.
func (e *Engine) path(t ikedb.Tunnel, natt bool) ikev1.Path {
	port := t.Remote.Port
	if natt {
		port = t.Remote.NATTPort
	}
	remote := netip.AddrPortFrom(t.Remote.Address, port)
	local := e.transport.Local(remote, natt)
	if !local.IsValid() {
		return ikev1.Path{}
	}
	if t.Local.Address.IsValid() {
		local = netip.AddrPortFrom(t.Local.Address, local.Port())
	}
	return ikev1.Path{Local: local, Remote: remote, NATT: natt}
}

// send sends a packet. What the network refuses, retransmission makes good.
func (e *Engine) send(p Packet) {
	e.stats.Sent++
	if err := e.transport.Send(p); err != nil {
		e.logger.Debug("a message could not be sent", "peer", p.Path.Remote, "error", err)
	}
}
