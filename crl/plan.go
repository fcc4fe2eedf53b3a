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
