package crl

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"keyman/internal/dn"
)

const (
	// FirstPause is how long a place is left alone after its second failure in
	// a row. Each further one doubles the time, up to LongestPause.
	FirstPause = 5 * time.Second
	// LongestPause is how long a place is left alone at most.
	LongestPause = time.Minute
	// maxFailures bounds the places whose failures are remembered.
	maxFailures = 1024
)

// A PausedError is a place that is not asked because it has failed again and
// again. It wraps what went wrong the last time.
type PausedError struct {
	Until    time.Time
	Failures int
	Err      error
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("not asked again before %s, after %d failures: %v", when(e.Until), e.Failures, e.Err)
}

// Unwrap returns the last failure.
func (e *PausedError) Unwrap() error { return e.Err }

// Backoff is a Source that spares places which fail: one that is dead costs the
// time of a fetch now and then, and not in every check. It may be used by several
// goroutines at once.
type Backoff struct {
	source Source
	clock  func() time.Time

	mu       sync.Mutex
	failures map[string]failure // at most maxFailures
}

// A failure is what is remembered of a place.
type failure struct {
	at    time.Time
	times int
	err   error
}

// NewBackoff returns a Backoff over a source. clock is asked for the time; nil is
// time.Now.
func NewBackoff(source Source, clock func() time.Time) *Backoff {
	if clock == nil {
		clock = time.Now
	}
	return &Backoff{source: source, clock: clock, failures: map[string]failure{}}
}

// Lists implements Source.
func (b *Backoff) Lists(ctx context.Context, url string) ([]*List, error) {
	reply, err := b.Get(ctx, url, Validators{})
	return reply.Lists, err
}

// Get implements ConditionalSource, also over a source that does not.
func (b *Backoff) Get(ctx context.Context, url string, have Validators) (Reply, error) {
	return b.ask(ctx, url, func() (Reply, error) { return getFrom(ctx, b.source, url, have) })
}

// ListsByIssuer implements Source.
func (b *Backoff) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*List, error) {
	reply, err := b.ask(ctx, "issuer "+issuer.LDAP(), func() (Reply, error) {
		lists, err := b.source.ListsByIssuer(ctx, issuer)
		return Reply{Lists: lists}, err
	})
	return reply.Lists, err
}

// ask asks one place unless it is to be left alone.
func (b *Backoff) ask(ctx context.Context, place string, fetch func() (Reply, error)) (Reply, error) {
	if err := b.paused(place); err != nil {
		return Reply{}, err
	}
	reply, err := fetch()
	switch {
	case err == nil:
		b.forget(place)
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, ErrNoDirectory):
		// It is not the place that failed.
	default:
		b.remember(place, err)
	}
	return reply, err
}

// paused returns why a place is not asked now, nil where it is.
func (b *Backoff) paused(place string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.failures[place]
	pause := pauseAfter(f.times)
	if !ok || pause == 0 {
		return nil
	}
	until := f.at.Add(pause)
	if now := b.clock(); now.Before(f.at) || !now.Before(until) { // the clock may be set back
		return nil
	}
	return &PausedError{until, f.times, f.err}
}

// pauseAfter is how long a place is left alone after some failures in a row.
func pauseAfter(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(FirstPause<<min(failures-2, 10), LongestPause)
}

func (b *Backoff) forget(place string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failures, place)
}

// remember counts a failure; the place whose own lies back the farthest makes room.
func (b *Backoff) remember(place string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, known := b.failures[place]
	if !known && len(b.failures) >= maxFailures {
		oldest := ""
		for other, f := range b.failures {
			if oldest == "" || f.at.Before(b.failures[oldest].at) {
				oldest = other
			}
		}
		delete(b.failures, oldest)
	}
	b.failures[place] = failure{b.clock(), f.times + 1, err}
}
