package crl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// DefaultWatchEvery is the time between two rounds of a Watcher.
	DefaultWatchEvery = 15 * time.Minute
	// MaxWatched bounds the chains that one Watcher looks at.
	MaxWatched = 16384
)

// A WatcherConfig says how a Watcher looks.
type WatcherConfig struct {
	// Checker belongs to the Watcher alone: the lists that it has fetched are
	// forgotten before each round, so that new ones count before the old ones
	// are out of date.
	Checker *Checker
	// Policy is that of all checks, at the time of each round.
	Policy Policy
	// Every is the time between two rounds; zero is DefaultWatchEvery.
	Every time.Duration
}

// A Watcher looks again and again at certificates that are in use, and reports
// those that became revoked, so that who relies on them can stop: a list that
// cannot be had is no reason to. It may be used by several goroutines at once.
type Watcher struct {
	config WatcherConfig

	mu     sync.Mutex
	chains map[string]watched
}

// watched is one chain.
type watched struct {
	chain   [][]byte
	revoked bool // has been reported
}

// A RevokedEvent is a certificate that became revoked.
type RevokedEvent struct {
	// ID is that of Watch.
	ID string
	// Verdict says on what ground.
	Verdict Verdict
}

// NewWatcher returns a Watcher that looks at nothing yet.
func NewWatcher(config WatcherConfig) (*Watcher, error) {
	switch {
	case config.Checker == nil:
		return nil, errors.New("a watcher without a checker")
	case config.Every < 0:
		return nil, errors.New("the time between the rounds of a watcher is negative")
	case !config.Policy.Time.IsZero():
		return nil, errors.New("a watcher looks at what is now, and the policy names a time")
	}
	if config.Every == 0 {
		config.Every = DefaultWatchEvery
	}
	return &Watcher{config: config, chains: map[string]watched{}}, nil
}

// Watch has the Watcher look at a chain, as Checker.Check takes it, in place of
// the one that had the id before.
func (w *Watcher) Watch(id string, chain [][]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.chains[id]; !known && len(w.chains) >= MaxWatched {
		return fmt.Errorf("more than %d chains are watched", MaxWatched)
	}
	w.chains[id] = watched{chain: slices.Clone(chain)}
	return nil
}

// Forget ends that.
func (w *Watcher) Forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.chains, id)
}

// Round looks at each chain once, and reports those that are revoked and were not
// the last time. It ends early with ctx. report may call Watch and Forget.
func (w *Watcher) Round(ctx context.Context, report func(RevokedEvent)) {
	w.config.Checker.Flush()
	w.mu.Lock()
	chains := maps.Clone(w.chains)
	w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(chains)) {
		verdict := w.config.Checker.Check(ctx, chains[id].chain, w.config.Policy)
		if ctx.Err() != nil {
			return
		}
		if w.note(id, chains[id], verdict.Status) {
			report(RevokedEvent{id, verdict})
		}
	}
}

// note notes a status and returns whether it is news about a chain that is still
// watched. Undetermined and invalid say nothing about what was known before.
func (w *Watcher) note(id string, looked watched, status Status) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.chains[id]
	if !ok || !slices.EqualFunc(c.chain, looked.chain, slices.Equal) {
		return false // another one took its place meanwhile
	}
	news := status == StatusRevoked && !c.revoked
	switch status {
	case StatusRevoked:
		c.revoked = true
	case StatusGood: // a hold was lifted
		c.revoked = false
	}
	w.chains[id] = c
	return news
}

// Run makes a round now and then one every so often until ctx ends.
func (w *Watcher) Run(ctx context.Context, report func(RevokedEvent)) {
	again := time.NewTicker(w.config.Every)
	defer again.Stop()
	for {
		w.Round(ctx, report)
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}
