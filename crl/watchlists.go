package crl

import (
	"context"
	"time"
)

// A ListState says how a list stands at one place.
type ListState string

const (
	// ListCurrent means that there is time until the next one is due.
	ListCurrent ListState = "current"
	// ListDue means that the time of the list is nearly over.
	ListDue ListState = "due"
	// ListExpired means that it is over, or that the list does not say when.
	ListExpired ListState = "expired"
	// ListEarly means that the list is one of the future.
	ListEarly ListState = "early"
	// ListUnreachable means that no list could be had, or none that counts.
	ListUnreachable ListState = "unreachable"
)

// dueShare is the share of a list's time that is left when it is due, where
// nothing else is said.
const dueShare = 10

// StateOf tells how a list stands at now. It is due when within is left of its
// time; zero is a tenth of the whole.
func StateOf(l *List, now time.Time, within time.Duration) ListState {
	if within <= 0 {
		within = l.NextUpdate.Sub(l.ThisUpdate) / dueShare
	}
	switch {
	case l.expired(now):
		return ListExpired
	case l.ThisUpdate.After(now.Add(ClockSkew)):
		return ListEarly
	case l.NextUpdate.Sub(now) <= within:
		return ListDue
	}
	return ListCurrent
}

// A ListEvent is what a ListWatcher sees at one place.
type ListEvent struct {
	Time  time.Time `json:"time"`
	Place string    `json:"place"`
	State ListState `json:"state"`
	// Source, Number and NextUpdate are those of the list; empty where none
	// could be had.
	Source     string    `json:"source,omitempty"`
	Number     string    `json:"number,omitempty"`
	NextUpdate time.Time `json:"next_update,omitzero"`
	// Error is why there is none.
	Error string `json:"error,omitempty"`
}

// A ListPlaceWatch is one place that a ListWatcher looks at.
type ListPlaceWatch struct {
	// Name tells the places apart.
	Name string
	// Get gets the list, or learns that the one that have belongs to still
	// stands. Fetcher.Get is made for it.
	Get func(ctx context.Context, have Validators) (Reply, error)
}

// A ListWatcher looks at places of lists, and tells before a list runs out. It is
// for one goroutine.
type ListWatcher struct {
	// Places are those to look at.
	Places []ListPlaceWatch
	// Within is how much of a list's time is left when it is due: see StateOf.
	Within time.Duration
	// Accept, where it is set, refuses a list by its error, as one with a
	// signature that does not stand.
	Accept func(*List) error
	// Clock is asked for the time; nil is time.Now.
	Clock func() time.Time

	seen map[string]seenList // by place
}

// seenList is what a ListWatcher has seen at a place.
type seenList struct {
	list       *List
	validators Validators
	told       ListEvent
}

// Look looks at every place once and calls tell for each: with what it sees, and
// whether that is another state or another list than the last time. An error of
// tell ends it.
func (w *ListWatcher) Look(ctx context.Context, tell func(e ListEvent, changed bool) error) error {
	if w.seen == nil {
		w.seen = map[string]seenList{}
	}
	for _, p := range w.Places {
		e := w.look(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err() // what was seen may be its fault
		}
		seen := w.seen[p.Name]
		changed := e.State != seen.told.State || e.Number != seen.told.Number || !e.NextUpdate.Equal(seen.told.NextUpdate)
		seen.told = e
		w.seen[p.Name] = seen
		if err := tell(e, changed); err != nil {
			return err
		}
	}
	return nil
}

// look looks at one place.
func (w *ListWatcher) look(ctx context.Context, p ListPlaceWatch) ListEvent {
	seen := w.seen[p.Name]
	reply, err := p.Get(ctx, seen.validators)
	e := ListEvent{Time: w.now(), Place: p.Name, State: ListUnreachable}
	l := seen.list
	if err == nil && !reply.NotModified {
		if l, err = newest(reply.Lists, nil); err == nil && w.Accept != nil {
			err = w.Accept(l)
		}
	}
	if err != nil {
		e.Error = err.Error()
		return e
	}
	seen.list, seen.validators = l, reply.Validators
	w.seen[p.Name] = seen
	e.State = StateOf(l, e.Time, w.Within)
	e.describe(l)
	return e
}

// describe fills in what there is to say about a list.
func (e *ListEvent) describe(l *List) {
	e.Source, e.NextUpdate = l.Source, l.NextUpdate
	if l.Number != nil {
		e.Number = l.Number.String()
	}
}

func (w *ListWatcher) now() time.Time {
	if w.Clock == nil {
		return time.Now()
	}
	return w.Clock()
}
