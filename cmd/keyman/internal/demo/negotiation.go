package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikev1"
)

// patience is how long the demonstration waits for what must come at once.
const patience = 10 * time.Second

// outcome is how a negotiation ended.
type outcome struct {
	status   ike.Status            // of the end that began
	verdicts map[string]crl.Reason // by gateway: what decided about its peer's certificate
	heard    map[string]string     // by gateway: what it was notified
	active   map[string]bool       // by gateway: is the tunnel up
	sent     map[string]time.Time  // by gateway: its last message of main mode
}

func newOutcome() *outcome {
	return &outcome{verdicts: map[string]crl.Reason{}, heard: map[string]string{}, active: map[string]bool{}, sent: map[string]time.Time{}}
}

// negotiate has one gateway activate its tunnel to another, and waits until both
// know how it ended.
func (s *scenario) negotiate(ctx context.Context, from, to *gateway) (*outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := newOutcome()
	s.steps.add(Step{Who: from.name, What: KindStarted, Text: "activates the tunnel to " + to.name})
	var err error
	if o.status, err = from.engine.ActivateWait(ctx, to.name); err != nil {
		return nil, err
	}
	// The other end hears of it by a datagram.
	final := func(ev ike.Event) bool { return ev.Kind == ike.EventFailed || ev.Kind == ike.EventClosed }
	if o.status.State == ike.TunnelActive {
		final = func(ev ike.Event) bool { return ev.Kind == ike.EventFailed || ev.Kind == ike.EventEstablished }
	}
	if err := to.until(ctx, final, func(ev ike.Event) { o.note(to, from, ev) }); err != nil {
		return nil, err
	}
	for _, pair := range [...][2]*gateway{{from, to}, {to, from}} {
		pair[0].drain(func(ev ike.Event) { o.note(pair[0], pair[1], ev) })
		if o.active[pair[0].name], err = pair[0].active(ctx); err != nil {
			return nil, err
		}
	}
	return o, s.steps.flush()
}

// remove ends the tunnel that one gateway has to another, and waits until both
// know.
func (s *scenario) remove(ctx context.Context, from, to *gateway) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.steps.add(Step{Who: from.name, What: KindClosed, Text: "closes the tunnel to " + to.name})
	if _, err := from.engine.Remove(ctx, to.name); err != nil {
		return err
	}
	o := newOutcome()
	closed := func(ev ike.Event) bool { return ev.Kind == ike.EventClosed }
	if err := to.until(ctx, closed, func(ev ike.Event) { o.note(to, from, ev) }); err != nil {
		return err
	}
	from.drain(func(ike.Event) {}) // says only that it was removed here
	return s.steps.flush()
}

// until takes events up to a final one.
func (g *gateway) until(ctx context.Context, final func(ike.Event) bool, take func(ike.Event)) error {
	for {
		select {
		case ev, ok := <-g.events.C:
			if !ok {
				return ike.ErrStopped
			}
			take(ev)
			if final(ev) {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("%s did not say how the negotiation ended: %w", g.name, ctx.Err())
		}
	}
}

// drain takes the events that are there.
func (g *gateway) drain(take func(ike.Event)) {
	for {
		select {
		case ev, ok := <-g.events.C:
			if !ok {
				return
			}
			take(ev)
		default:
			return
		}
	}
}

// firstEncrypted is the first message of main mode that is encrypted.
const firstEncrypted = 5

// note puts an event of a gateway on the time line and into the outcome.
func (o *outcome) note(g, peer *gateway, ev ike.Event) {
	add := func(what Kind, text string, reasons ...crl.Reason) {
		g.steps.addAt(ev.Time, Step{Who: g.name, What: what, Text: text, Reasons: reasons})
	}
	switch ev.Kind {
	case ike.EventMessage:
		m := ev.Message
		if m.Number == 0 || m.Direction == ikev1.TraceReceived {
			return
		}
		o.sent[g.name] = ev.Time
		text := fmt.Sprintf("message %d to %s", m.Number, peer.name)
		if m.Direction == ikev1.TraceRetransmit {
			text += " again"
		}
		if m.Number >= firstEncrypted {
			text += ", encrypted"
		}
		add(KindMessage, text+": "+counted(m.Payloads))
	case ike.EventVerdict:
		if len(ev.Reasons) == 0 {
			add(KindVerdict, ev.Text)
			return
		}
		decisive := ev.Reasons[len(ev.Reasons)-1]
		o.verdicts[g.name] = decisive
		if decisive.Severity == crl.Fatal {
			finding := "not accepted"
			if decisive.Code == crl.CodeRevoked {
				finding = "revoked"
			}
			add(KindVerdict, "refuses "+peer.name+": its certificate is "+finding, ev.Reasons...)
			return
		}
		add(KindVerdict, fmt.Sprintf("accepts %s: its certificate is not on list number %s", peer.name, decisive.CRLNumber), ev.Reasons...)
	case ike.EventNotification:
		o.heard[g.name] = ev.Notification
		add(KindHeard, "hears from "+peer.name+": "+ev.Notification)
	case ike.EventEstablished:
		if ev.Role == "responder" {
			// Main mode ends with its message, which the initiator may still
			// refuse.
			ev.Time = o.sent[g.name]
			add(KindEstablished, "tunnel up on its side: "+ev.Transform)
			return
		}
		add(KindEstablished, "tunnel up: "+ev.Transform)
	case ike.EventFailed:
		add(KindRefused, "no tunnel to "+peer.name)
	case ike.EventClosed:
		add(KindClosed, "tunnel closed: "+ev.Text)
	}
}

// counted lists names, those that follow each other as one with their number.
func counted(names []string) string {
	var out []string
	for len(names) > 0 {
		n := slices.IndexFunc(names, func(name string) bool { return name != names[0] })
		if n < 0 {
			n = len(names)
		}
		if n == 1 {
			out = append(out, names[0])
		} else {
			out = append(out, fmt.Sprintf("%d %s", n, names[0]))
		}
		names = names[n:]
	}
	return strings.Join(out, ", ")
}
