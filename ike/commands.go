package ike

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"keyman/ike/ikev1"
)

// do runs a task on the engine's goroutine and waits for it.
func (e *Engine) do(ctx context.Context, task func()) error {
	done := make(chan struct{})
	select {
	case e.tasks <- func() { task(); close(done) }:
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ping returns when the engine's goroutine has answered: nothing holds it.
func (e *Engine) Ping(ctx context.Context) error { return e.do(ctx, func() {}) }

// find returns the definition of a tunnel by name or number.
func (e *Engine) find(nameOrNumber string) (*definition, error) {
	t, ok := e.db.Find(nameOrNumber)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoTunnel, nameOrNumber)
	}
	return e.defs[t.Name], nil
}

// Activate begins the negotiation of a tunnel, by name or number, and returns
// how it stands. A tunnel that is active or being negotiated is left as it is.
func (e *Engine) Activate(ctx context.Context, tunnel string) (Status, error) {
	var (
		st  Status
		err error
	)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err == nil {
			st, err = e.activate(d, nil)
		}
	}); doErr != nil {
		return Status{}, doErr
	}
	return st, err
}

// ActivateWait is Activate and waits for the outcome: the Status is that of an
// active tunnel, or of one that failed, with its reasons. The error says that it
// could not be tried.
func (e *Engine) ActivateWait(ctx context.Context, tunnel string) (Status, error) {
	var err error
	outcome := make(chan Status, 1)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err == nil {
			_, err = e.activate(d, outcome)
		}
	}); doErr != nil {
		return Status{}, doErr
	}
	if err != nil {
		return Status{}, err
	}
	select {
	case st := <-outcome:
		return st, nil
	case <-e.stopped:
		return Status{}, ErrStopped
	case <-ctx.Done():
		return Status{}, ctx.Err()
	}
}

// Remove ends what a tunnel, by name or number, has of SAs and negotiations, and of
// phase 2, and tells the peer. It returns how many there were; ErrNotActive if none.
func (e *Engine) Remove(ctx context.Context, tunnel string) (int, error) {
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
				e.endSession(s, removedHere)
				n++
			}
		}
		// What its peers have of phase 2 without it.
		for _, c := range e.children.of(d) {
			e.handleChild(c, ikev1.ChildRemove{Reason: removedHere})
			n++
		}
		if n == 0 {
			err = fmt.Errorf("%w: %q", ErrNotActive, d.tunnel.Name)
		}
	}); doErr != nil {
		return 0, doErr
	}
	return n, err
}

// ordered returns the sessions in the order in which they began.
func (e *Engine) ordered() []*session {
	return slices.SortedFunc(maps.Values(e.sessions), func(a, b *session) int { return int(a.id) - int(b.id) })
}

// List returns every tunnel: what is active or being negotiated, and for the
// definitions that have neither how they ended last, or that they are dormant.
// They come in order of their number; negotiations of peers that are not known
// yet come last.
func (e *Engine) List(ctx context.Context) ([]Status, error) {
	var list []Status
	err := e.do(ctx, func() {
		live := make(map[string][]Status)
		for _, s := range e.ordered() {
			if s.state == TunnelActive || s.state == TunnelNegotiating {
				live[s.name()] = append(live[s.name()], e.status(s))
			}
		}
		for _, t := range e.db.Tunnels() {
			first := len(list)
			switch last, ended := e.last[t.Name]; {
			case len(live[t.Name]) > 0:
				list = append(list, live[t.Name]...)
			case ended:
				list = append(list, last.status)
			default:
				list = append(list, dormant(e.db, t))
			}
			attachData(list[first:], e.childList(t.Name))
		}
		list = append(list, live[""]...)
		for i := range list {
			list[i].OwnReasons = e.ownReasons(list[i].Tunnel)
		}
	})
	return list, err
}

// Events subscribes to what happens from now on, with room for buffer events.
func (e *Engine) Events(buffer int) *Subscription { return e.hub.subscribe(buffer) }
