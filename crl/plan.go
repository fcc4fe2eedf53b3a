package crl

import (
	"math/rand/v2"
	"time"
)

const (
	// A list is fetched anew when between prefetchFirst and prefetchLast
	// percent of its time are left.
	prefetchFirst, prefetchLast = 20, 5
	// prefetchLead is what is left of a list's time at least, so that a fetch
	// that fails can be made again.
	prefetchLead = 2 * time.Minute
	// timelessRefresh is how often a list is fetched that does not say when the
	// next one is due.
	timelessRefresh = time.Hour
)

// NextFetch returns when the list that replaces l is to be fetched: before l is
// out of date, and at another instant for each seed, so that not all who have the
// list ask at once. It is never before now. maxAge is the Reply's, counted from
// now: until then the server would say the same again. It does not count where l
// would be out of date by then.
func NextFetch(l *List, now time.Time, seed uint64, maxAge time.Duration) time.Time {
	if l.NextUpdate.IsZero() {
		return now.Add(max(timelessRefresh, min(maxAge, MaxMaxAge)))
	}
	life := max(l.NextUpdate.Sub(l.ThisUpdate), 0)
	// The two halves of a seed make one generator; nothing is secret here.
	share := rand.New(rand.NewPCG(seed, seed)).Float64() //nolint:gosec // jitter
	percent := prefetchLast + share*(prefetchFirst-prefetchLast)
	lead := time.Duration(float64(life) * percent / 100)
	if lead < prefetchLead {
		lead = min(prefetchLead, life/2)
	}
	at := l.NextUpdate.Add(-lead)
	if floor := now.Add(min(maxAge, MaxMaxAge)); at.Before(floor) && floor.Before(l.NextUpdate.Add(-min(prefetchLead, life/2))) {
		at = floor
	}
	if at.Before(now) {
		return now
	}
	return at
}

// How the time at which a place is asked again is spread, in percent of the
// longest time between two questions. What is left of it is for the round of
// checks that follows.
const renewFirst, renewLast = 70, 90

// nextRenewal returns when a place that was asked at an instant is asked for newer
// lists than these: no later than every after that, before any of them is out of
// date, and at another instant for each seed. A place that failed, or that had no
// newer ones though these are due, is asked again after LongestPause, or every.
func nextRenewal(lists []*List, m memory, every time.Duration, seed uint64) time.Time {
	share := rand.New(rand.NewPCG(seed, seed+1)).Float64() //nolint:gosec // jitter
	next := m.at.Add(time.Duration(float64(every) * (renewFirst + share*(renewLast-renewFirst)) / 100))
	pause := min(every, FirstPause)
	if m.vain > 0 {
		pause = min(every, LongestPause)
	}
	again := m.at.Add(pause)
	if m.err != nil && again.Before(next) {
		return again
	}
	for _, l := range lists {
		due := NextFetch(l, m.at, seed, m.maxAge)
		if due.Before(again) {
			due = again
		}
		if due.Before(next) {
			next = due
		}
	}
	return next
}
