package ike

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"keyman/crl"
	"keyman/ike/ikev1"
)

// An EventKind says what an Event is about.
type EventKind string

// What an Event is about.
const (
	EventStarted      EventKind = "started"      // a negotiation began
	EventMessage      EventKind = "message"      // a message was sent, resent or accepted
	EventNotification EventKind = "notification" // the peer notified something
	EventIgnored      EventKind = "ignored"      // a message was dropped
	EventVerdict      EventKind = "verdict"      // the peer's certificate was checked
	EventEstablished  EventKind = "established"  // the tunnel is up
	EventFailed       EventKind = "failed"       // the negotiation ended without a tunnel
	EventClosed       EventKind = "closed"       // an established tunnel ended
	EventDataUp       EventKind = "data-up"      // a phase 2 tunnel is up
	EventDataRekeyed  EventKind = "data-rekeyed" // a newer SA of it is up
	EventDataFailed   EventKind = "data-failed"  // a negotiation of phase 2 came to nothing
	EventDataDown     EventKind = "data-down"    // a phase 2 tunnel ended
	// EventOwnCertificate: peers will not accept a certificate of ours, or will
	// again. It is about no negotiation.
	EventOwnCertificate EventKind = "own-certificate"
)

// An Event is something that happened to a negotiation.
type Event struct {
	Time   time.Time      `json:"time"`
	Kind   EventKind      `json:"kind"`
	Tunnel string         `json:"tunnel,omitempty"`      // empty while a responder does not know
	ID     uint64         `json:"id,omitempty"`          // of the negotiation
	Data   string         `json:"data_tunnel,omitempty"` // of phase 2, where it is about one
	Role   string         `json:"role,omitempty"`
	Peer   netip.AddrPort `json:"peer,omitzero"`
	PeerID string         `json:"peer_id,omitempty"`
	Text   string         `json:"text"`
	// Message is the message of an EventMessage.
	Message *Message `json:"message,omitempty"`
	// Notification is the type that the peer notified, for EventNotification.
	Notification string `json:"notification,omitempty"`
	// Transform are the algorithms of an EventEstablished.
	Transform string `json:"transform,omitempty"`
	// Reasons are those of the certificate check, for EventVerdict,
	// EventOwnCertificate and, where it was the cause, EventFailed and
	// EventClosed.
	Reasons []crl.Reason `json:"reasons,omitempty"`
	// Missed is how many events a slow subscriber lost before this one.
	Missed int `json:"missed,omitempty"`
}

// A Message is one that a negotiation sent or accepted.
type Message struct {
	// Direction is sent, retransmitted or received.
	Direction ikev1.TraceKind `json:"direction"`
	Exchange  string          `json:"exchange"`
	// Number is 1 to 6 in main mode, otherwise 0.
	Number   int      `json:"number,omitempty"`
	Payloads []string `json:"payloads"`
}

// String writes the message for people.
func (m *Message) String() string {
	text := string(m.Direction) + " " + m.Exchange
	if m.Number > 0 {
		text += fmt.Sprintf(" message %d", m.Number)
	}
	return text + " [" + strings.Join(m.Payloads, " ") + "]"
}

// A Subscription receives events until it is closed.
type Subscription struct {
	// C delivers the events. It is closed with the subscription, or when the
	// engine ends.
	C <-chan Event

	hub    *hub
	c      chan Event
	missed int
}

// hub hands events to subscribers. A subscriber that does not keep up loses
// events, and is told how many; it never holds the engine.
type hub struct {
	mu     sync.Mutex // guards what follows, and each subscription's missed
	closed bool
	subs   map[*Subscription]bool
}

// subscribe adds a subscriber with room for buffer events.
func (h *hub) subscribe(buffer int) *Subscription {
	c := make(chan Event, max(buffer, 1))
	s := &Subscription{C: c, c: c, hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(c)
		return s
	}
	if h.subs == nil {
		h.subs = make(map[*Subscription]bool)
	}
	h.subs[s] = true
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.hub.subs[s] {
		delete(s.hub.subs, s)
		close(s.c)
	}
}

// publish hands an event to everybody who has room for it.
func (h *hub) publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		e.Missed = s.missed
		select {
		case s.c <- e:
			s.missed = 0
		default:
			s.missed++
		}
	}
}

// watched reports whether anybody listens.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) > 0
}

// close ends all subscriptions.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		close(s.c)
	}
	h.subs = nil
}
