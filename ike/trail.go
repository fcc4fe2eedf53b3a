package ike

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"keyman/ike/ikev1"
)

const (
	// maxTrail is how many messages a negotiation remembers for an Explanation,
	// the last ones: more than one that goes well has.
	maxTrail = 24
	// maxStrangers is how many failed negotiations of peers for whom no tunnel
	// was found are remembered.
	maxStrangers = 16
)

// A trail is what a negotiation did lately. It costs nothing to be written for
// people before one of them asks.
type trail struct {
	steps  []trailStep
	missed int // how many were dropped for room
}

type trailStep struct {
	at time.Time
	ikev1.Trace
}

// add remembers a step.
func (t *trail) add(at time.Time, step ikev1.Trace) {
	if len(t.steps) == maxTrail {
		t.steps = slices.Delete(t.steps, 0, 1)
		t.missed++
	}
	t.steps = append(t.steps, trailStep{at, step})
}

// An Explanation says how the last negotiation of a tunnel went.
type Explanation struct {
	Status Status `json:"status"`
	// Hint says what to do about a failure, where that is known.
	Hint string `json:"hint,omitempty"`
	// Steps are its messages, and what was odd; the last ones, of which Missed
	// more were before.
	Steps  []Step `json:"steps,omitempty"`
	Missed int    `json:"missed,omitempty"`
}

// A Step is a message of a negotiation, or something odd that was ignored.
type Step struct {
	Time time.Time      `json:"time"`
	Peer netip.AddrPort `json:"peer,omitzero"`
	Text string         `json:"text"`
	// Message is there where Text is about one that was sent or accepted.
	Message *Message `json:"message,omitempty"`
}

// outcome is how a negotiation or a tunnel ended.
type outcome struct {
	status Status
	hint   string
	trail  trail
}

// explanation writes an outcome for people.
func (o outcome) explanation() Explanation {
	x := Explanation{Status: o.status, Hint: o.hint, Missed: o.trail.missed}
	for _, step := range o.trail.steps {
		_, text, message := describeTrace(step.Trace)
		x.Steps = append(x.Steps, Step{step.at, step.Path.Remote, text, message})
	}
	return x
}

// Explain tells how the last negotiation of a tunnel, by name or number, went or
// goes, message by message.
func (e *Engine) Explain(ctx context.Context, tunnel string) (Explanation, error) {
	var (
		x   Explanation
		err error
	)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err != nil {
			return
		}
		var last *session
		for _, s := range e.ordered() {
			if s.def == d && (s.state == TunnelActive || s.state == TunnelNegotiating) {
				last = s
			}
		}
		switch ended, ok := e.last[d.tunnel.Name]; {
		case last != nil:
			x = outcome{status: e.status(last), trail: last.trail}.explanation()
		case ok:
			x = ended.explanation()
		default:
			x.Status = dormant(e.db, d.tunnel)
		}
		x.Status.OwnReasons = e.ownReasons(d.tunnel.Name)
	}); doErr != nil {
		return Explanation{}, doErr
	}
	return x, err
}

// ExplainStrangers tells of the last negotiations, at most maxStrangers, that
// failed before it was known which tunnel they were for, the latest last.
func (e *Engine) ExplainStrangers(ctx context.Context) ([]Explanation, error) {
	var all []Explanation
	err := e.do(ctx, func() {
		for _, o := range e.strangers {
			all = append(all, o.explanation())
		}
	})
	return all, err
}

// keepLast remembers how a tunnel ended, until something newer is known. Of
// negotiations that no tunnel is known for only a few are kept: anybody can make
// them.
func (e *Engine) keepLast(s *session) {
	o := outcome{status: e.status(s), trail: s.trail}
	if hinted := (interface{ Hint() string })(nil); errors.As(s.err, &hinted) {
		o.hint = hinted.Hint()
	}
	if s.def != nil {
		e.last[s.def.tunnel.Name] = o
		return
	}
	if len(e.strangers) == maxStrangers {
		e.strangers = slices.Delete(e.strangers, 0, 1)
	}
	e.strangers = append(e.strangers, o)
}

// describeTrace writes for people what a negotiation did.
func describeTrace(t ikev1.Trace) (kind EventKind, text string, message *Message) {
	switch t.Kind {
	case ikev1.TraceIgnored:
		return EventIgnored, "ignored a message: " + t.Note, nil
	case ikev1.TraceNotification:
		return EventNotification, "the peer notified " + t.Note, nil
	default:
		message = &Message{Direction: t.Kind, Exchange: t.Exchange.String(), Number: t.Message, Payloads: make([]string, len(t.Payloads))}
		for i, p := range t.Payloads {
			message.Payloads[i] = p.String()
		}
		text = message.String()
		if t.Note != "" {
			text = fmt.Sprint(text, " ", t.Note)
		}
		return EventMessage, text, message
	}
}
