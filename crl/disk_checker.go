package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"
)

// A disk is the Cache of a Checker. The zero value has none.
type disk struct {
	cache  *Cache
	report func(error)
	clock  func() time.Time

	mu      sync.Mutex
	flushed time.Time // lists that came before do not count
}

func (d *disk) tell(err error) {
	if err != nil && d.report != nil {
		d.report(err)
	}
}

// flush makes the lists that are in the cache now count no more. They stay, so
// that an older one is still told.
func (d *disk) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flushed = d.clock()
}

// keeps reports whether the lists of a place are kept. Those in files of this
// machine are there already.
func (d *disk) keeps(place string) bool { return d.cache != nil && protocolOf(place) != File }

// answer returns what a place last said where all of it is current. Without
// lists there is no answer.
func (d *disk) answer(ctx context.Context, place string, issuer *x509.Certificate, allowWeak bool, now time.Time) answer {
	if !d.keeps(place) {
		return answer{}
	}
	d.mu.Lock()
	after := d.flushed
	d.mu.Unlock()
	found, err := d.cache.at(ctx, place, issuer, after)
	d.tell(err)
	var last time.Time
	for _, cached := range found {
		if cached.Stored.After(last) {
			last = cached.Stored
		}
	}
	if last.After(d.clock().Add(ClockSkew)) {
		return answer{} // stored by a clock that was wrong
	}
	var lists []*List
	together := 0
	for _, cached := range found {
		if !cached.Stored.Equal(last) {
			continue // the place did not give it any more
		}
		if cached.expired(now) || cached.early(now) {
			return answer{}
		}
		lists = append(lists, cached.List)
		together = cached.Together
	}
	if len(lists) != together {
		return answer{} // the others were not kept
	}
	a := verify(lists, issuer, allowWeak)
	a.at = last
	if len(lists) == 1 && lists[0].Source == place {
		a.validators = lists[0].validators
	}
	return a
}

// keep stores what a place said, and puts newer lists in the place of older ones
// that it said. Where some of them are signed by somebody else none is stored.
func (d *disk) keep(ctx context.Context, place string, issuer *x509.Certificate, a answer) answer {
	if !d.keeps(place) || len(a.refused) > 0 {
		return a
	}
	now := d.clock()
	scopes := map[string]bool{}
	for _, l := range a.lists {
		scopes[cacheName(l)] = true
	}
	for i, l := range a.lists {
		if l.ThisUpdate.After(now.Add(ClockSkew)) {
			continue // it would stand in the way of the list that is valid now
		}
		counts, err := d.cache.Put(ctx, Found{List: l, Place: place, Signer: issuer, At: now, Together: len(scopes)})
		if err != nil && !errors.Is(err, context.Canceled) {
			d.tell(err)
		}
		a.lists[i] = counts
	}
	return a
}
