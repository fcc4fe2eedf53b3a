package crl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unique"
)

const (
	// DefaultWatchEvery is how often a Watcher looks where nothing else is said.
	DefaultWatchEvery = 15 * time.Minute
	// MinWatchEvery is the shortest such time.
	MinWatchEvery = time.Second
	// MaxWatchEvery is the longest.
	MaxWatchEvery = 24 * time.Hour
	// watchChecks bounds the checks of a round that are under way at once.
	watchChecks = 16
	// roundShare is which part of the time between two rounds lies at least
	// between those that newer lists bring about.
	roundShare = 10
)

// A WatcherConfig says how a Watcher looks.
type WatcherConfig struct {
	// Checker answers. It may serve others, too: its lists are then fresh for
	// them as well. One Watcher runs for it.
	Checker *Checker
	// Every is the longest time in which a place is not asked for a newer list,
	// and a chain is not checked; between MinWatchEvery and MaxWatchEvery, zero
	// is DefaultWatchEvery.
	Every time.Duration
	// Lists is told how the lists at a place stand, whenever that changes; nil
	// is nobody. It is called by several goroutines.
	Lists func(ListEvent)
}

// A Watcher keeps the lists that a Checker uses fresh, and looks again and again
// at chains that are relied on, so that who relies on them can stop. It may be
// used by several goroutines at once; nothing happens until Run.
//
// A list is asked for anew before it is out of date, and at least as often as
// Every says, by condition where its server knows that: a check need then not
// wait for the network. A chain is checked once in that time, and when a newer list
// came; many watches of one chain and policy cost one check.
type Watcher struct {
	config  WatcherConfig
	checker *Checker

	rounds sync.Mutex // held by the round that is under way

	mu     sync.Mutex
	chains map[watchKey]*watchedChain
	places map[string]ListState // what Lists was told last
}

// A watchKey is a chain and a policy.
type watchKey struct {
	chain   [sha256.Size]byte
	anchors *[]byte // the first of the policy's: two slices are two policies
	count   int
	policy  unique.Handle[string] // the rest of it
}

// A watchedChain is one chain under one policy, and those who watch it.
type watchedChain struct {
	chain   [][]byte
	policy  Policy
	until   time.Time // when the lists do not count any more that said it is good
	watches []*watch
}

// A watch is one who wants to know, and what he knows.
type watch struct {
	known string
	tell  func(Verdict)
}

// NewWatcher returns a Watcher that looks at nothing yet.
func NewWatcher(config WatcherConfig) (*Watcher, error) {
	if config.Checker == nil {
		return nil, errors.New("a watcher without a checker")
	}
	config.Every = cmp.Or(config.Every, DefaultWatchEvery)
	if config.Every < MinWatchEvery || config.Every > MaxWatchEvery {
		return nil, fmt.Errorf("a watcher that looks every %v: it must lie between %v and %v", config.Every, MinWatchEvery, MaxWatchEvery)
	}
	return &Watcher{
		config: config, checker: config.Checker,
		chains: map[watchKey]*watchedChain{}, places: map[string]ListState{},
	}, nil
}

// Check is that of the Checker.
func (w *Watcher) Check(ctx context.Context, chain [][]byte, p Policy) Verdict {
	return w.checker.Check(ctx, chain, p)
}

// Watch has the Watcher look at a chain, from a verdict of Check on, and call tell
// with each verdict whose status, or whose warnings, differ from what was told
// before. chain and the policy's anchors are kept and must not be changed. tell may
// take its time; after stop it may be called once more, by a round that has begun.
//
// A verdict that could not be found out (StatusUndetermined) is no news before the
// lists that the last good one stands on are out of date, with the grace of the
// policy: until then nothing has changed.
func (w *Watcher) Watch(chain [][]byte, p Policy, from Verdict, tell func(Verdict)) (stop func()) {
	key := newWatchKey(chain, p)
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.chains[key]
	if c == nil {
		c = &watchedChain{chain: chain, policy: p}
		w.chains[key] = c
	}
	c.note(from)
	own := &watch{known: newsOf(from), tell: tell}
	c.watches = append(c.watches, own)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		c.watches = slices.DeleteFunc(c.watches, func(other *watch) bool { return other == own })
		if len(c.watches) == 0 && w.chains[key] == c {
			delete(w.chains, key)
		}
	}
}

func newWatchKey(chain [][]byte, p Policy) watchKey {
	h := sha256.New()
	for _, der := range chain {
		digest := sha256.Sum256(der)
		h.Write(digest[:])
	}
	key := watchKey{count: len(p.Anchors)}
	h.Sum(key.chain[:0])
	if key.count > 0 {
		key.anchors = &p.Anchors[0]
	}
	p.Anchors = nil
	key.policy = unique.Make(fmt.Sprintf("%+v", p))
	return key
}

// note notes until when a good verdict holds.
func (c *watchedChain) note(v Verdict) {
	if v.Accepted() {
		c.until = v.NextUpdate.Add(c.policy.Grace)
	}
}

// newsOf is what makes a verdict news: its status, and what it warns of.
func newsOf(v Verdict) string {
	news := string(v.Status)
	for _, r := range v.Reasons {
		if r.Severity == Warning {
			news += "\n" + r.Code + " " + r.Certificate
		}
	}
	return news
}

// Renew asks for all lists in use anew, and checks all chains, without waiting for
// the time to come. It returns when that is done, or when ctx ends.
func (w *Watcher) Renew(ctx context.Context) {
	cache := w.checker.cache
	cache.renewAll(ctx, cache.all(cache.clock()), w.tellList)
	w.round(ctx)
}

// Run works until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { w.renewLists(ctx) })
	both.Go(func() { w.checkChains(ctx) })
	both.Wait()
}

// renewLists asks for lists when it is time.
func (w *Watcher) renewLists(ctx context.Context) {
	cache := w.checker.cache
	alarm := time.NewTimer(w.config.Every)
	defer alarm.Stop()
	for {
		places, next := cache.due(cache.clock(), w.config.Every)
		if len(places) > 0 {
			cache.renewAll(ctx, places, w.tellList)
			_, next = cache.due(cache.clock(), w.config.Every)
		}
		wait := w.config.Every
		if !next.IsZero() {
			wait = min(max(next.Sub(cache.clock()), 0), wait)
		}
		alarm.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-alarm.C:
		case <-cache.remembered: // another place, perhaps due before the others
		}
	}
}

// checkChains makes a round every so often, and when a newer list came. Lists that
// come one soon after the other have one round.
func (w *Watcher) checkChains(ctx context.Context) {
	again := time.NewTicker(w.config.Every)
	defer again.Stop()
	for {
		w.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.config.Every / roundShare):
		}
		select {
		case <-ctx.Done():
			return
		case <-w.checker.cache.replaced:
		case <-again.C:
		}
	}
}

// round checks each chain once, and tells what is news.
func (w *Watcher) round(ctx context.Context) {
	w.rounds.Lock()
	defer w.rounds.Unlock()
	w.mu.Lock()
	chains := make([]*watchedChain, 0, len(w.chains))
	for _, c := range w.chains {
		chains = append(chains, c)
	}
	w.mu.Unlock()
	turns := make(chan struct{}, watchChecks)
	var all sync.WaitGroup
	for _, c := range chains {
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-turns }()
			v := w.checker.Check(ctx, c.chain, c.policy)
			if ctx.Err() != nil {
				return // the verdict may be its fault
			}
			for _, tell := range w.news(c, v) {
				tell(v)
			}
		})
	}
	all.Wait()
}

// news notes a verdict and returns those to whom it is news.
func (w *Watcher) news(c *watchedChain, v Verdict) (tells []func(Verdict)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.Status == StatusUndetermined && c.policy.MaxAge == 0 && !w.checker.clock().After(c.until) {
		return nil
	}
	c.note(v)
	news := newsOf(v)
	for _, watch := range c.watches {
		if watch.known != news {
			watch.known = news
			tells = append(tells, watch.tell)
		}
	}
	return tells
}

// tellList tells how the lists at a place stand, if that has changed.
func (w *Watcher) tellList(place string, a answer) {
	if w.config.Lists == nil {
		return
	}
	e := ListEvent{Time: w.checker.clock(), Place: place, State: ListUnreachable}
	if len(a.lists) > 0 {
		l := slices.MinFunc(a.lists, func(a, b *List) int { return a.NextUpdate.Compare(b.NextUpdate) })
		e.describe(l)
		e.State = StateOf(l, e.Time, 0)
	}
	switch {
	case a.err != nil:
		e.Error = a.err.Error()
	case len(a.refused) > 0:
		e.Error = a.refused[0].err.Error()
	}
	if e.Error != "" && e.State == ListCurrent {
		e.State = ListUnreachable // what is remembered still counts
	}
	w.mu.Lock()
	before, known := w.places[place]
	if len(w.places) >= maxPlaces {
		clear(w.places)
	}
	w.places[place] = e.State
	w.mu.Unlock()
	if known && before != e.State || !known && e.State != ListCurrent {
		w.config.Lists(e)
	}
}
