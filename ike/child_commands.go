package ike

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
)

// activateChild begins the negotiation of a phase 2 tunnel, and of its phase 1
// where there is none; waiter, if not nil, is told how it ends. One that is active
// or being negotiated is left as it is.
func (e *Engine) activateChild(data ikedb.DataTunnel, waiter chan<- ChildStatus) (ChildStatus, error) {
	if err := e.db.CanInitiateData(data); err != nil {
		return ChildStatus{}, err
	}
	d := e.defs[data.Tunnel]
	var c *child
	if running := e.children.byData[data.Name]; len(running) > 0 {
		c = running[0]
	} else {
		var err error
		if c, err = e.newChild(d, data, peerKey{d.tunnel.Name, ""}); err != nil {
			return ChildStatus{}, err
		}
	}
	switch {
	case c.core.State() == ikev1.ChildActive && waiter != nil:
		waiter <- e.childStatus(c)
	case waiter != nil:
		c.waiting = append(c.waiting, waiter)
	}
	e.handleChild(c, ikev1.ChildActivate{})
	return e.childStatus(c), nil
}

// findData returns the definition of a phase 2 tunnel by name or number.
func (e *Engine) findData(nameOrNumber string) (ikedb.DataTunnel, error) {
	d, ok := e.db.FindData(nameOrNumber)
	if !ok {
		return d, fmt.Errorf("%w: %q", ErrNoTunnel, nameOrNumber)
	}
	return d, nil
}

// ActivateData begins the negotiation of a phase 2 tunnel, by name or number, and
// of the phase 1 that carries it, and returns how it stands. One that is active or
// being negotiated is left as it is.
func (e *Engine) ActivateData(ctx context.Context, tunnel string) (ChildStatus, error) {
	var (
		st  ChildStatus
		err error
	)
	if doErr := e.do(ctx, func() {
		var d ikedb.DataTunnel
		if d, err = e.findData(tunnel); err == nil {
			st, err = e.activateChild(d, nil)
		}
	}); doErr != nil {
		return ChildStatus{}, doErr
	}
	return st, err
}

// ActivateDataWait is ActivateData and waits for the outcome: the status is that of
// an active tunnel, or of one that failed. The error says that it could not be
// tried.
func (e *Engine) ActivateDataWait(ctx context.Context, tunnel string) (ChildStatus, error) {
	var err error
	outcome := make(chan ChildStatus, 1)
	if doErr := e.do(ctx, func() {
		var d ikedb.DataTunnel
		if d, err = e.findData(tunnel); err == nil {
			_, err = e.activateChild(d, outcome)
		}
	}); doErr != nil {
		return ChildStatus{}, doErr
	}
	if err != nil {
		return ChildStatus{}, err
	}
	select {
	case st := <-outcome:
		return st, nil
	case <-e.stopped:
		return ChildStatus{}, ErrStopped
	case <-ctx.Done():
		return ChildStatus{}, ctx.Err()
	}
}

// ActivateBoth activates a tunnel, by name or number, and then the phase 2 tunnels
// of it that this end may start. It returns how it stands, with these; with wait it
// waits for the outcome of all.
func (e *Engine) ActivateBoth(ctx context.Context, tunnel string, wait bool) (Status, error) {
	phase1, phase2 := e.Activate, e.ActivateData
	if wait {
		phase1, phase2 = e.ActivateWait, e.ActivateDataWait
	}
	st, err := phase1(ctx, tunnel)
	if err != nil || wait && st.State != TunnelActive {
		return st, err
	}
	st.Data = nil
	for _, d := range e.db.DataTunnelsOf(st.Tunnel) {
		if e.db.CanInitiateData(d) != nil {
			continue
		}
		data, err := phase2(ctx, d.Name)
		if err != nil {
			return st, err
		}
		st.Data = append(st.Data, data)
	}
	return st, nil
}

// RemovePhase1 ends the phase 1 of a tunnel, by name or number, and leaves what its
// peers have of phase 2, which is not rekeyed under it any more. It returns how many
// SAs and negotiations there were; ErrNotActive if none.
func (e *Engine) RemovePhase1(ctx context.Context, tunnel string) (int, error) {
	var (
		n   int
		err error
	)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err != nil {
			return
		}
		for _, s := range e.ordered() {
			if s.def == d && (s.state == TunnelActive || s.state == TunnelNegotiating) {
				e.handle(s, ikev1.Close{Reason: removedHere, KeepChildren: true})
				n++
			}
		}
		if n == 0 {
			err = fmt.Errorf("%w: %q", ErrNotActive, d.tunnel.Name)
		}
	}); doErr != nil {
		return 0, doErr
	}
	return n, err
}

// RemoveData ends what a phase 2 tunnel, by name or number, has of SAs and
// negotiations, and tells the peers. The phase 1 stays. It returns how many peers
// there were; ErrNotActive if none.
func (e *Engine) RemoveData(ctx context.Context, tunnel string) (int, error) {
	var (
		n   int
		err error
	)
	if doErr := e.do(ctx, func() {
		var d ikedb.DataTunnel
		if d, err = e.findData(tunnel); err != nil {
			return
		}
		for _, c := range slices.Clone(e.children.byData[d.Name]) {
			e.handleChild(c, ikev1.ChildRemove{Reason: removedHere})
			n++
		}
		if n == 0 {
			err = fmt.Errorf("%w: %q", ErrNotActive, d.Name)
		}
	}); doErr != nil {
		return 0, doErr
	}
	return n, err
}

// ListData returns every phase 2 tunnel of a phase 1 tunnel, by its name: what is
// active or being negotiated, and for the definitions that are neither how they
// ended last, or that they are dormant.
func (e *Engine) ListData(ctx context.Context, tunnel string) ([]ChildStatus, error) {
	var list []ChildStatus
	err := e.do(ctx, func() { list = e.childList(tunnel) })
	return list, err
}

// removedHere is the reason of what an operator ends.
const removedHere = "removed here"

// childUp tells that an SA of a phase 2 tunnel came up.
func (e *Engine) childUp(c *child, f ikev1.ChildReport) {
	kind, text := EventDataRekeyed, "phase 2 was rekeyed"
	if f.First {
		kind, text = EventDataUp, fmt.Sprintf("phase 2 is up for %v here and %v there", c.local, c.remote)
	}
	var words []string
	for _, p := range f.SA.Pairs {
		words = append(words, fmt.Sprintf("%v %v %v, SPI %08x in, %08x out", p.Algorithms.Protocol, p.Algorithms, p.Encapsulation, p.In.SPI, p.Out.SPI))
	}
	text += ": " + strings.Join(words, "; ")
	if weak := f.SA.Weak(); len(weak) > 0 {
		text += " (weak: " + strings.Join(weak, ", ") + ")"
	}
	if e.plane == nil {
		text += "; negotiated only, there is no data plane"
	}
	e.publishChild(c, Event{Kind: kind, Text: text, Transform: f.SA.Pairs[0].Algorithms.String()})
	e.answerChild(c, e.childStatus(c))
}

// childEnded tells that a phase 2 tunnel has no SA, and forgets it.
func (e *Engine) childEnded(c *child, f ikev1.ChildEnded) {
	kind, text := EventDataFailed, "phase 2 failed: "
	if f.WasUp {
		kind, text = EventDataDown, "phase 2 is down: "
	}
	if f.Err == nil {
		f.Err = errors.New("no reason is known")
	}
	e.publishChild(c, Event{Kind: kind, Text: text + f.Err.Error()})
	st := e.childStatus(c)
	if len(st.SAs) > 0 || c.core.State() != ikev1.ChildIdle {
		return // another one is on its way
	}
	st.State, st.Ended, st.Error = TunnelFailed, time.Now(), f.Err.Error()
	if f.WasUp {
		st.State = TunnelClosed
	}
	e.forgetChild(c, st)
}

// forgetChild drops a phase 2 tunnel that has nothing left, and keeps how it ended.
func (e *Engine) forgetChild(c *child, st ChildStatus) {
	if !slices.Contains(e.children.byData[c.data.Name], c) {
		return
	}
	e.timers.set(&c.alarm, time.Time{})
	e.children.remove(c)
	for spi := range c.spis {
		// What comes of a negotiation that is still under way is nobody's.
		delete(e.children.bySPI, spi)
	}
	if len(e.children.byPeer[c.key]) == 0 {
		e.dropOrphan(c.key)
	}
	if queue := e.children.queue[c.def]; c.queued {
		c.queued = false
		e.children.queue[c.def] = slices.DeleteFunc(slices.Clone(queue), func(o *child) bool { return o == c })
	}
	if c.data.Number != 0 {
		e.children.last[c.data.Name] = st
	}
	e.answerChild(c, st)
}

// answerChild tells those who wait for the outcome of a negotiation.
func (e *Engine) answerChild(c *child, st ChildStatus) {
	for _, w := range c.waiting {
		w <- st // has room: each waiter gets one answer
	}
	c.waiting = nil
}

// publishChild completes an event of a phase 2 tunnel, hands it to subscribers and
// logs it.
func (e *Engine) publishChild(c *child, ev Event) {
	ev.Data = c.data.Name
	if s := e.carrier(c); s != nil {
		e.publish(s, ev)
		return
	}
	ev.Time, ev.ID, ev.Tunnel, ev.PeerID = time.Now(), c.id, c.def.tunnel.Name, c.key.peer
	e.hub.publish(ev)
	e.log(ev)
}

// endSession ends a phase 1 with the phase 2 tunnels of its peer, and tells the
// peer of both.
func (e *Engine) endSession(s *session, reason string) {
	e.childrenOf(s, ikev1.ChildRemove{Reason: reason})
	// After the DELETEs that the tunnels ask for, which go out under it.
	e.schedule(func() { e.handle(s, ikev1.Close{Reason: reason}) })
}

// startData does what the definitions ask for when the engine starts.
func (e *Engine) startData() {
	if n := len(e.db.DataTunnels()); n > 0 && e.plane == nil {
		e.logger.Warn("there is no data plane: the SAs of phase 2 are negotiated only, and no packet is protected", "data_tunnels", n)
	}
	for _, d := range e.db.DataTunnels() {
		if d.OnDemand && e.plane != nil {
			local := atHost(d.Local, e.defs[d.Tunnel].tunnel.Local.Address)
			remote := atHost(d.Remote.Selector, e.defs[d.Tunnel].tunnel.Remote.Address)
			if err := e.plane.Trap(DataTrap{Tunnel: d.Name, Local: local, Remote: remote}); err != nil {
				e.logger.Warn("on demand", "tunnel", d.Name, "error", err)
			}
		}
		if d.AutoStart {
			if _, err := e.activateChild(d, nil); err != nil {
				e.logger.Warn("autostart", "tunnel", d.Name, "error", err)
			}
		}
	}
}

// dataEvent acts on what the data plane tells.
func (e *Engine) dataEvent(ev DataEvent) {
	switch ev.Kind {
	case DataBytes:
		if c := e.children.bySPI[ev.SPI]; c != nil {
			e.handleChild(c, ikev1.ChildCounted{SPI: ev.SPI, Bytes: ev.Bytes})
		}
	case DataAcquire:
		if d, ok := e.db.FindData(ev.Tunnel); ok {
			if _, err := e.activateChild(d, nil); err != nil {
				e.logger.Warn("on demand", "tunnel", d.Name, "error", err)
			}
		}
	}
}
