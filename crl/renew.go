package crl

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// renewers bounds the places that are asked at once to renew their lists.
	renewers = 4
	// inUse is how long after the last check that asked for them the lists of a
	// place are renewed.
	inUse = 24 * time.Hour
)

// A renewal is a place whose lists are to be renewed.
type renewal struct {
	key cacheKey
	ask asker
}

// due returns the places in use that are to be asked again at now, and when the
// next one is; zero is never. Places that gave no list are left to the checks.
func (c *cache) due(now time.Time, every time.Duration) (places []renewal, next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, m := range c.places {
		lists := c.answerLocked(m).lists
		if len(lists) == 0 || now.Sub(m.used) > inUse {
			continue
		}
		if now.Before(m.at) {
			m.at = now // the clock was set back
		}
		switch t := nextRenewal(lists, m, every, maphash.String(c.seed, key.place)); {
		case !t.After(now):
			places = append(places, renewal{key, m.ask})
		case next.IsZero() || t.Before(next):
			next = t
		}
	}
	return places, next
}

// all returns all places in use.
func (c *cache) all(now time.Time) (places []renewal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, m := range c.places {
		if now.Sub(m.used) <= inUse {
			places = append(places, renewal{key, m.ask})
		}
	}
	return places
}

// renewAll asks places, some at a time, and calls tell with what each said, from
// several goroutines.
func (c *cache) renewAll(ctx context.Context, places []renewal, tell func(place string, a answer)) {
	slices.SortFunc(places, func(a, b renewal) int { return strings.Compare(a.key.place, b.key.place) })
	turns := make(chan struct{}, renewers)
	var all sync.WaitGroup
	for _, p := range places {
		turns <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-turns }()
			if a := c.renew(ctx, p.key, c.clock(), p.ask); ctx.Err() == nil {
				tell(p.key.place, a)
			}
		})
	}
	all.Wait()
}
